// SPDX-License-Identifier: BSL-1.0
// tests/headers/odr_b.cpp: the umbrella in a second unit, where everything of ours is visible
// beside the system's own names and neither may hide the other.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tandem.hpp>

using namespace tandem;

// Calls of the system's functions as a program would write them. Compiled, hardly ever run.
static int system_names_still_mean_the_system() {
    int ends[2] = {-1, -1};
    if (pipe(ends) != 0) return 1;
    int status = 0;
    const pid_t child = fork();
    if (child == 0) _exit(0);
    if (wait(&status) != child || waitpid(child, &status, WNOHANG) == child) return 2;
    struct stat about = {};
    struct sigaction action = {};
    struct timespec moment = {};
    char byte = 0;
    signal(SIGUSR2, SIG_IGN);
    kill(getpid(), SIGUSR2);
    if (write(ends[1], "x", 1) != 1 || read(ends[0], &byte, 1) != 1) return 3;
    if (stat("/", &about) != 0 || sigaction(SIGUSR2, nullptr, &action) != 0) return 4;
    if (clock_gettime(CLOCK_MONOTONIC, &moment) != 0) return 5;
    struct pollfd ready = {ends[0], POLLIN, 0};
    if (poll(&ready, 1, 0) != 0) return 6;
    const int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener >= 0) listen(listener, 1);  // may fail: it is not bound
    close(listener);
    close(ends[0]);
    close(ends[1]);
    return byte == 'x' ? 0 : 7;
}

int version_in_the_other_unit() {
    return system_names_still_mean_the_system() == 0 ? TANDEM_VERSION_MINOR : -1;
}

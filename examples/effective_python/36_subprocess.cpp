// SPDX-License-Identifier: BSL-1.0
// Python:  proc = subprocess.Popen(['echo', 'Hello from the child!'], stdout=subprocess.PIPE)
//          out, err = proc.communicate()
//          result = subprocess.run(['echo', 'Hello from the child!'], capture_output=True)
//
// Programs run beside this one, feed each other, and are stopped when they take too long.
#include <tandem.hpp>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

std::string random_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::ifstream("/dev/urandom", std::ios::binary)
        .read(bytes.data(), static_cast<std::streamsize>(count));
    return bytes;
}

std::string hex(std::string_view bytes) {
    std::string text;
    char digits[3];
    for (const char byte : bytes) {
        std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(byte) & 0xffU);
        text += digits;
    }
    return text;
}

// The password stands in the environment of openssl only: not in ours, and on no command line.
tandem::command openssl(const char* direction) {
    return tandem::command{"openssl", "enc", direction, "-des3", "-pbkdf2", "-pass", "env:password"}
        .env("password", "zf7ShyBhZOraQDdE/FiZpm/m/8f9X+M1");
}

std::string decrypted(const std::string& text) {
    return tandem::run(openssl("-d"), {.input = text, .capture_output = true, .check = true}).out;
}

void hello() {
    tandem::subprocess proc({"echo", "Hello from the child!"}, {.out = tandem::stdio::pipe});
    std::cout << proc.communicate().out;

    // In one call. What is not captured is an empty string, where Python has None.
    const auto result =
        tandem::run({"echo", "Hello from the child!"}, {.out = tandem::stdio::pipe});
    result.check();
    std::cout << result.out << (result.err.empty() ? "None" : result.err) << '\n';
}

void poll_while_working() {
    tandem::subprocess proc({"sleep", "0.3"});
    // `while (!proc.poll())`, but twice on a busy machine too, where it may be once or three times.
    for (int step = 0; step < 2 || !proc.poll(); ++step) {
        if (step < 2) std::cout << "Working...\n";
        std::this_thread::sleep_for(200ms);  // the work
    }
    std::cout << "Exit status " << proc.poll()->returncode() << '\n';
}

void ten_at_once() {
    const auto start = std::chrono::steady_clock::now();
    std::vector<tandem::subprocess> procs;
    for (int i = 0; i < 10; ++i) procs.emplace_back(tandem::command{"sleep", "0.1"});
    for (auto& proc : procs) proc.communicate();
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::fprintf(stderr, "Finished in %.3f seconds\n", took.count());
    std::cout << (took < 1s ? "Ten sleeps in the time of less than ten" : "Too slow") << '\n';
}

void encrypt() {
    for (int i = 0; i < 3; ++i) {
        const std::string data = random_bytes(10);
        tandem::subprocess proc(openssl("-e"),
                                {.in = tandem::stdio::pipe, .out = tandem::stdio::pipe});
        const std::string out = proc.communicate(data).out;
        std::cout << hex(std::string_view(out).substr(out.size() - 10)) << ' '
                  << (decrypted(out) == data ? "decrypts" : "is broken") << '\n';
    }
}

// In the book two of the three digests are that of nothing, d41d8cd9...: the parent had read the
// data itself, through its own end of the pipe. output_of() hands that end over, so it cannot.
void encrypt_and_hash() {
    for (int i = 0; i < 3; ++i) {
        const std::string data = random_bytes(100);
        tandem::subprocess encryption(openssl("-e"),
                                      {.in = tandem::stdio::pipe, .out = tandem::stdio::pipe});
        tandem::subprocess hash({"md5sum"},
                                {.in = tandem::output_of(encryption), .out = tandem::stdio::pipe});
        encryption.in().write(data);
        encryption.in().close();
        std::cout << hash.communicate().out.substr(0, 32) << '\n';
        if (!encryption.wait().success()) std::cout << "openssl failed\n";
    }

    // The same as one pipeline, with a copy of what goes from one to the other, to hash it again.
    const std::string data = random_bytes(100);
    const auto both = tandem::run(
        openssl("-e") | tandem::command{"tee", "/dev/stderr"} | tandem::command{"md5sum"},
        {.input = data, .capture_output = true, .check = true});
    const auto again = tandem::run({"md5sum"}, {.input = both.err, .capture_output = true});
    std::cout << (both.out == again.out ? "The digest is that of the encrypted data"
                                        : "The digest is wrong")
              << (decrypted(both.err) == data ? "" : ", which is wrong") << '\n';
}

void stop_what_takes_too_long() {
    tandem::subprocess proc({"sleep", "10"});
    try {
        proc.communicate({}, 100ms);
    } catch (const tandem::timeout_expired&) {
        proc.terminate();
        proc.wait();
    }
    std::cout << "Exit status " << proc.poll()->returncode() << '\n';
}

int main() {
    hello();
    poll_while_working();
    ten_at_once();
    encrypt();
    encrypt_and_hash();
    stop_what_takes_too_long();
}

// SPDX-License-Identifier: BSL-1.0
#include <tandem/core/cpus.hpp>

#include "../support/catch.hpp"

#include <cerrno>
#include <climits>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>

#if TANDEM_LINUX
#include <sched.h>
#include <stdlib.h>
#endif

TEST_CASE("there is always at least one CPU and never more than the hardware has", "[cpus]") {
    const int cpus = tandem::available_cpus();
    CHECK(cpus >= 1);
    if (const unsigned hardware = std::thread::hardware_concurrency(); hardware > 0)
        CHECK(cpus <= static_cast<int>(hardware));
}

TEST_CASE("the smaller limit counts, and a missing one does not", "[cpus]") {
    using tandem::detail::cpu_limit;
    using tandem::detail::smaller;
    CHECK(smaller(3, 2) == 2);
    CHECK(smaller(2, 3) == 2);
    CHECK(smaller(cpu_limit(), 2) == 2);
    CHECK(smaller(2, cpu_limit()) == 2);
    CHECK(smaller(cpu_limit(), cpu_limit()) == cpu_limit());
}

#if TANDEM_LINUX

namespace detail = tandem::detail;
using detail::cpu_limit;

namespace {

const cpu_limit none;

// A folder that plays "/", removed at the end.
class fake_root {
   public:
    fake_root() {
        std::string name = (std::filesystem::temp_directory_path() / "cpus-XXXXXX").string();
        if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp " + name);
        path_ = name;
    }
    fake_root(const fake_root&) = delete;
    fake_root& operator=(const fake_root&) = delete;
    ~fake_root() { std::filesystem::remove_all(path_); }

    // Writes `text` to `file`, an absolute path in this root, and makes its folders.
    fake_root& write(const std::string& file, const std::string& text) {
        const std::filesystem::path where = path_ + file;
        std::filesystem::create_directories(where.parent_path());
        std::FILE* out = std::fopen(where.c_str(), "w");
        if (!out) throw std::runtime_error("fopen " + where.string());
        std::fwrite(text.data(), 1, text.size(), out);
        std::fclose(out);
        return *this;
    }

    cpu_limit cpus(const std::string& cgroups, const std::string& mounts) const {
        return detail::cgroup_cpus(cgroups, mounts, path_);
    }

   private:
    std::string path_;
};

const std::string v2_mount =
    "22 1 0:21 / /proc rw - proc proc rw\n"
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

std::string v1_mount(const std::string& root = "/") {
    return "31 30 0:27 / /cg/memory rw shared:9 - cgroup cgroup rw,memory\n"
           "33 30 0:29 " +
           root +
           " /cg/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
           "34 30 0:30 / /cg/cpuset rw shared:11 - cgroup cgroup rw,cpuset\n";
}

fake_root& write_v1(fake_root& root, const std::string& folder, const std::string& quota,
                    const std::string& period = "100000\n") {
    return root.write(folder + "/cpu.cfs_quota_us", quota)
        .write(folder + "/cpu.cfs_period_us", period);
}

// A kernel that can have `possible` CPUs and lets this thread use every third.
struct fake_kernel {
    std::size_t possible;
    int calls = 0;
    int operator()(std::size_t bytes, ::cpu_set_t* mask) {
        ++calls;
        if (bytes * 8 < possible) {
            errno = EINVAL;
            return -1;
        }
        for (std::size_t cpu = 0; cpu < possible; cpu += 3) CPU_SET_S(cpu, bytes, mask);
        return 0;
    }
};

}  // namespace

TEST_CASE("the affinity mask of the calling thread is a limit", "[cpus]") {
    ::cpu_set_t before;
    CPU_ZERO(&before);
    REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
    int seen = 0;
    std::thread([&] {
        ::cpu_set_t one;
        CPU_ZERO(&one);
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu)
            if (CPU_ISSET(cpu, &before) && CPU_COUNT(&one) == 0) CPU_SET(cpu, &one);
        if (::sched_setaffinity(0, sizeof one, &one) == 0) seen = tandem::available_cpus();
    }).join();
    CHECK(seen == 1);
}

TEST_CASE("an affinity mask may have more than 1024 CPUs", "[cpus]") {
    fake_kernel small{1024};
    CHECK(detail::affinity_cpus(std::ref(small)) == 342);
    CHECK(small.calls == 1);
    fake_kernel large{1025};
    CHECK(detail::affinity_cpus(std::ref(large)) == 342);
    CHECK(large.calls == 2);
    fake_kernel huge{8192};
    CHECK(detail::affinity_cpus(std::ref(huge)) == 2731);
    CHECK(huge.calls == 4);
}

TEST_CASE("an affinity mask that cannot be read is no limit", "[cpus]") {
    int calls = 0;
    const auto denied = [&calls](std::size_t, ::cpu_set_t*) {
        ++calls;
        errno = EPERM;
        return -1;
    };
    CHECK(detail::affinity_cpus(denied) == none);
    CHECK(calls == 1);
    fake_kernel endless{std::size_t{1} << 40};
    CHECK(detail::affinity_cpus(std::ref(endless)) == none);
}

TEST_CASE("a v2 quota is rounded up to whole CPUs", "[cpus]") {
    CHECK(detail::parse_cpu_max("200000 100000\n") == 2);
    CHECK(detail::parse_cpu_max("200001 100000\n") == 3);
    CHECK(detail::parse_cpu_max("150000 100000") == 2);
    CHECK(detail::parse_cpu_max("1000 100000\n") == 1);
    CHECK(detail::parse_cpu_max("9223372036854775807 1000\n") == INT_MAX);
}

TEST_CASE("max and malformed v2 quotas are no limit", "[cpus]") {
    for (const char* text :
         {"max 100000\n", "max\n", "", "\n", "200000", "200000\n", "200000 ", "200000 0\n",
          "0 100000\n", "-1 100000\n", "200000 -5\n", "2e5 100000\n", "200000 100000 7\n",
          " 200000 100000\n", "200000  100000\n", "0x10 100000", "99999999999999999999 100000\n"}) {
        INFO(text);
        CHECK(detail::parse_cpu_max(text) == none);
    }
}

TEST_CASE("the v2 quota of the own cgroup is a limit", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/app/cpu.max", "250000 100000\n");
    CHECK(root.cpus("0::/app\n", v2_mount) == 3);
}

TEST_CASE("the smallest v2 quota from the own cgroup up to the mount is the limit", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/a/b/c/cpu.max", "800000 100000\n");
    root.write("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    SECTION("in an ancestor") {
        root.write("/sys/fs/cgroup/a/cpu.max", "300000 100000\n");
        CHECK(root.cpus("0::/a/b/c\n", v2_mount) == 3);
    }
    SECTION("at the mount itself") {
        root.write("/sys/fs/cgroup/cpu.max", "200000 100000\n");
        CHECK(root.cpus("0::/a/b/c\n", v2_mount) == 2);
    }
    SECTION("in the own cgroup") { CHECK(root.cpus("0::/a/b/c\n", v2_mount) == 8); }
    SECTION("not above the mount") {
        root.write("/sys/fs/cpu.max", "100000 100000\n");
        CHECK(root.cpus("0::/a/b/c\n", v2_mount) == 8);
    }
    SECTION("not beside the own cgroup") {
        root.write("/sys/fs/cgroup/a/x/cpu.max", "100000 100000\n");
        CHECK(root.cpus("0::/a/b/c\n", v2_mount) == 8);
    }
}

TEST_CASE("garbage in one cgroup does not hide the quota of another", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/a/b/cpu.max", "no number\n");
    root.write("/sys/fs/cgroup/a/cpu.max", "400000 100000\n");
    CHECK(root.cpus("0::/a/b\n", v2_mount) == 4);
    CHECK(root.cpus("0::/a/deleted (deleted)\n", v2_mount) == 4);
}

TEST_CASE("the root cgroup and missing files are no limit", "[cpus]") {
    const fake_root root;
    CHECK(root.cpus("0::/\n", v2_mount) == none);
    CHECK(root.cpus("0::/missing\n", v2_mount) == none);
    CHECK(root.cpus("", v2_mount) == none);
    CHECK(root.cpus("0::/a\n", "") == none);
}

TEST_CASE("a folder in the place of a quota is ignored", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/a/cpu.max/file", "");
    CHECK(root.cpus("0::/a\n", v2_mount) == none);
}

TEST_CASE("the v1 quota of co-mounted controllers is a limit", "[cpus]") {
    fake_root root;
    const std::string cgroups = "12:memory:/other\n4:cpu,cpuacct:/job\n1:name=systemd:/job\n";
    write_v1(root, "/cg/cpu,cpuacct/job", "150000\n");
    CHECK(root.cpus(cgroups, v1_mount()) == 2);
    SECTION("an ancestor counts too") {
        write_v1(root, "/cg/cpu,cpuacct", "50000\n", "50000\n");
        CHECK(root.cpus(cgroups, v1_mount()) == 1);
    }
}

TEST_CASE("a v1 quota that is negative, missing or garbage is no limit", "[cpus]") {
    fake_root root;
    const std::string cgroups = "4:cpu,cpuacct:/job\n";
    CHECK(root.cpus(cgroups, v1_mount()) == none);
    root.write("/cg/cpu,cpuacct/job/cpu.cfs_quota_us", "100000\n");
    CHECK(root.cpus(cgroups, v1_mount()) == none);
    write_v1(root, "/cg/cpu,cpuacct/job", "-1\n");
    CHECK(root.cpus(cgroups, v1_mount()) == none);
    write_v1(root, "/cg/cpu,cpuacct/job", "garbage\n");
    CHECK(root.cpus(cgroups, v1_mount()) == none);
    write_v1(root, "/cg/cpu,cpuacct/job", "100000\n", "0\n");
    CHECK(root.cpus(cgroups, v1_mount()) == none);
}

TEST_CASE("cpuset and cpuacct are not taken for cpu", "[cpus]") {
    fake_root root;
    write_v1(root, "/cg/cpuset/job", "100000\n");
    write_v1(root, "/cg/memory/job", "100000\n");
    write_v1(root, "/cg/cpu,cpuacct/job", "100000\n");  // of a cgroup that is not ours
    CHECK(root.cpus("5:cpuset:/job\n6:cpuacct:/job\n7:memory:/job\n", v1_mount()) == none);
    const std::string other = "34 30 0:30 / /cg/cpuset rw - cgroup cgroup rw,cpuset\n";
    CHECK(root.cpus("4:cpu,cpuacct:/job\n", other) == none);
}

TEST_CASE("a container that sees only its own cgroup finds its quota", "[cpus]") {
    fake_root root;
    write_v1(root, "/cg/cpu,cpuacct", "200000\n");
    write_v1(root, "/cg/cpu,cpuacct/inner", "100000\n");
    CHECK(root.cpus("4:cpu,cpuacct:/docker/f0\n", v1_mount("/docker/f0")) == 2);
    CHECK(root.cpus("4:cpu,cpuacct:/docker/f0/inner\n", v1_mount("/docker/f0")) == 1);
}

TEST_CASE("a mount that does not show the own cgroup is ignored", "[cpus]") {
    fake_root root;
    write_v1(root, "/cg/cpu,cpuacct", "100000\n");
    CHECK(root.cpus("4:cpu,cpuacct:/docker/f0\n", v1_mount("/docker/f")) == none);
    CHECK(root.cpus("4:cpu,cpuacct:/\n", v1_mount("/docker/f0")) == none);
    CHECK(root.cpus("4:cpu,cpuacct:/../f0\n", v1_mount()) == none);
}

TEST_CASE("v1 and v2 may be mounted together", "[cpus]") {
    fake_root root;
    write_v1(root, "/cg/cpu,cpuacct/job", "300000\n");
    root.write("/sys/fs/cgroup/job/cpu.max", "500000 100000\n");
    CHECK(root.cpus("4:cpu,cpuacct:/job\n0::/job\n", v1_mount() + v2_mount) == 3);
    CHECK(root.cpus("0::/job\n", v1_mount() + v2_mount) == 5);
}

TEST_CASE("spaces in a mount point and colons in a cgroup are understood", "[cpus]") {
    fake_root root;
    root.write("/my cgroups\\x/a:b/cpu.max", "200000 100000\n");
    const std::string mount = "30 23 0:26 / /my\\040cgroups\\134x rw - cgroup2 cgroup2 rw\n";
    CHECK(root.cpus("0::/a:b\n", mount) == 2);
}

TEST_CASE("an unfinished escape stays as it is", "[cpus]") {
    CHECK(detail::unescape("a\\") == "a\\");
    CHECK(detail::unescape("a\\04") == "a\\04");
    CHECK(detail::unescape("a\\049") == "a\\049");
    CHECK(detail::unescape("a\\777") == "a\\777");
    CHECK(detail::unescape("\\011\\012") == "\t\n");
}

TEST_CASE("malformed mount lines are skipped", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/app/cpu.max", "250000 100000\n");
    const std::string garbage =
        "\n \n30\n30 23 0:26 / /sys\n30 23 0:26 relative point rw - cgroup2 cgroup2 rw\n"
        "30 23 0:26 / /sys/fs/cgroup rw -\n- - - - - - - - - -\n";
    CHECK(root.cpus("garbage\n::\n0::relative\n0::/app\n", garbage) == none);
    CHECK(root.cpus("garbage\n::\n0::relative\n0::/app\n", garbage + v2_mount) == 3);
    CHECK(root.cpus("0::/app", v2_mount + "30 23 0:26 / /unfinished") == 3);
}

TEST_CASE("a file longer than one read is read whole", "[cpus]") {
    fake_root root;
    root.write("/sys/fs/cgroup/app/cpu.max", std::string(5000, '0') + "250000 100000\n");
    CHECK(root.cpus("0::/app\n", v2_mount) == 3);
}

#endif

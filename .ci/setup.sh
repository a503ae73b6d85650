# SPDX-License-Identifier: BSL-1.0
# Shared by tests/run, examples/run, benchmarks/run and .ci/run, which source it from the top folder:
# installs what is missing, configures a build tree. Sourcing it prints nothing and changes nothing.

export DEBIAN_FRONTEND=noninteractive
jobs=$(nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)

# Lists for `need` and `want`: the Debian package, and a command or a file that shows it is there.
build_tools=("g++=${CXX:-g++}" cmake=cmake ninja-build=ninja python3=python3)
test_tools=(catch2=/usr/include/catch2)
model_tools=(spin=spin)
fault_tools=(strace=strace) # makes system calls fail
example_tools=(openssl=openssl coreutils=md5sum)
benchmark_tools=(libbenchmark-dev=/usr/include/benchmark/benchmark.h)
benchmark_peers=(libtbb-dev=/usr/include/oneapi/tbb.h libboost-dev=/usr/include/boost/asio.hpp
    libboost-thread-dev=/usr/lib/*/libboost_thread.so
    libboost-context-dev=/usr/lib/*/libboost_context.so
    libboost-filesystem-dev=/usr/lib/*/libboost_filesystem.so
    libconcurrentqueue-dev=/usr/include/concurrentqueue/*queue*)
clang_tools=(clang-19=clang++-19 libclang-rt-19-dev=/usr/lib/llvm-19/lib/clang/19/lib/linux
    llvm-19=llvm-symbolizer-19)
format_tools=(clang-format-19=clang-format-19)

# What to install where there is no apt-get or no right to use it.
say_what_to_install() {
    cat >&2 <<'END'
tandem is built with
    g++ 12 or later, or clang++ 16 or later
    CMake 3.24 or later, and Ninja or make
    Python 3.8 or later
    for the tests, Catch2 2.13 or 3.x
    for the benchmarks, Google Benchmark
On Debian 12 and 13 and on Ubuntu 24.04, as root, that is:
    apt-get update
    apt-get install --no-install-recommends g++ cmake ninja-build python3 catch2 libbenchmark-dev
END
}

# present COMMAND-OR-FILE
present() {
    case $1 in
        /*) compgen -G "$1" >/dev/null || compgen -G "/usr/local${1#/usr}" >/dev/null ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# The packages of a list that are not there, one a line.
missing() {
    local item
    for item; do
        present "${item#*=}" || printf '%s\n' "${item%%=*}"
    done
}

can_install() {
    command -v apt-get >/dev/null && { [ "$(id -u)" = 0 ] || command -v sudo >/dev/null; }
}

apt_get() {
    local root=()
    [ "$(id -u)" = 0 ] || root=(sudo env DEBIAN_FRONTEND=noninteractive)
    ${root[@]+"${root[@]}"} apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

# need PACKAGE=PROBE...: installs what is missing, or says exactly what to install and ends.
need() {
    local packages
    packages=$(missing "$@")
    [ -n "$packages" ] || return 0
    if ! can_install; then
        echo "missing here:" $packages >&2
        say_what_to_install
        exit 1
    fi
    echo "installing:" $packages
    if ! { apt_get update && apt_get install -y --no-install-recommends $packages; } </dev/null; then
        echo "apt-get could not install:" $packages >&2
        say_what_to_install
        exit 1
    fi
}

# want PACKAGE=PROBE...: the same, but goes on without what cannot be had.
want() {
    local package
    for package in $(missing "$@"); do
        if can_install && apt-cache show "$package" >/dev/null 2>&1 &&
            apt_get install -y --no-install-recommends "$package" </dev/null; then
            continue
        fi
        echo "going on without $package"
    done
}

# configure NAME [cmake argument]...: the tree build/NAME, as .ci/NAME.cmake says.
configure() {
    local name=$1 more=()
    shift
    if [ ! -f ".ci/$name.cmake" ]; then
        echo "there is no .ci/$name.cmake" >&2
        exit 1
    fi
    case $name in clang | tsan) need "${clang_tools[@]}" ;; esac
    command -v ninja >/dev/null && [ ! -f "build/$name/Makefile" ] && more+=(-G Ninja)
    command -v ccache >/dev/null && more+=(-D CMAKE_CXX_COMPILER_LAUNCHER=ccache)
    if ! cmake -S . -B "build/$name" -C ".ci/$name.cmake" ${more[@]+"${more[@]}"} "$@" </dev/null; then
        say_what_to_install
        exit 1
    fi
}

# run_as NAME COMMAND...: runs what was built in build/NAME. The sanitizers of older compilers fail
# where the system spreads addresses more widely than they expect.
run_as() {
    local name=$1 before=()
    shift
    case $name in
        asan | tsan) setarch "$(uname -m)" -R true 2>/dev/null && before=(setarch "$(uname -m)" -R) ;;
    esac
    ${before[@]+"${before[@]}"} "$@" </dev/null
}

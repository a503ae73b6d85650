// SPDX-License-Identifier: BSL-1.0
#include <tandem/subprocess/which.hpp>

#include "subprocess/tools.hpp"

#include <filesystem>
#include <string>

#include <sys/stat.h>

using tandem::which;

TEST_CASE("a program is looked for in the folders of the PATH, in their order", "[which]") {
    const tools::temporary_folder folder;
    std::filesystem::create_directories(folder / "first");
    std::filesystem::create_directories(folder / "second");
    const auto first = folder.write("first/tool", "", 0755);
    const auto second = folder.write("second/tool", "", 0755);
    CHECK(which("tool", folder / "first" + ":" + folder / "second") == first);
    CHECK(which("tool", "/nonexistent::" + folder / "second" + ":" + folder / "first") == second);
    CHECK_FALSE(which("tool", ""));
    CHECK_FALSE(which("", folder / "first"));
    CHECK_FALSE(which("no such tool"));
    CHECK(which("sh"));
}

TEST_CASE("only an executable file is a program", "[which]") {
    const tools::temporary_folder folder;
    folder.write("text", "", 0644);
    std::filesystem::create_directories(folder / "folder");
    ::mkfifo((folder / "fifo").c_str(), 0755);
    const auto real = folder.write("real", "", 0755);
    std::filesystem::create_symlink(real, folder / "link");
    for (const char* name : {"text", "folder", "fifo"}) CHECK_FALSE(which(name, folder.path()));
    CHECK(which("link", folder.path()) == folder / "link");
    CHECK(which(real) == real);
    CHECK_FALSE(which(folder / "text"));
}

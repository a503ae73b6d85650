// SPDX-License-Identifier: BSL-1.0
// tandem/coroutine/await_tree.hpp: words for who awaits whom.        level 1
#pragma once

#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>

namespace tandem::detail {

// Where the parameters begin; clang writes `(anonymous namespace)` and the like before them.
inline std::size_t parameters_of(std::string_view signature) noexcept {
    const std::string_view call = "operator()";
    const auto found = signature.find(call);
    std::size_t at = found == signature.npos ? 0 : found + call.size();
    while ((at = signature.find('(', at)) != signature.npos) {
        const auto rest = signature.substr(at);
        if (rest.substr(0, 10) != "(anonymous" && rest.substr(0, 7) != "(lambda") return at;
        at = signature.find(')', at);
    }
    return signature.size();
}

// `task<int> ns::f(int)` becomes `ns::f`. g++ 12 may name the body of a coroutine by its frame,
// as in `void ns::f(ns::f(int)::_ZN2ns1fEi.Frame*)`, which becomes the same.
inline std::string short_name(std::string_view signature) {
    const auto end = parameters_of(signature);
    int depth = 0;
    auto begin = end;
    while (begin != 0) {
        const char c = signature[begin - 1];
        if (c == '>' || c == ')') ++depth;
        if (c == '<' || c == '(') --depth;
        if ((c == ' ' || c == '*' || c == '&') && depth == 0) break;
        --begin;
    }
    return std::string(signature.substr(begin, end - begin));
}

// `f (file.cpp:12)`.
inline std::string name_of(const std::source_location& where) {
    std::string_view file = where.file_name();
    if (const auto slash = file.rfind('/'); slash != file.npos) file.remove_prefix(slash + 1);
    std::string text = short_name(where.function_name());
    return text.append(" (").append(file).append(":").append(std::to_string(where.line())) + ")";
}

// Lines of text, indented as the tree is deep.
class await_tree {
   public:
    void line(std::string_view words) { text_.append(2 * depth_, ' ').append(words) += '\n'; }
    void deeper() noexcept { ++depth_; }
    void back(std::size_t levels = 1) noexcept { depth_ -= levels; }
    const std::string& text() const noexcept { return text_; }

   private:
    std::string text_;
    std::size_t depth_ = 0;
};

}  // namespace tandem::detail

// SPDX-License-Identifier: BSL-1.0
// What bytes of any kind make of the codec: a value, which is then the same after a round trip, or
// an error; never a crash, and never more memory than a small multiple of the bytes.
#include <tandem/ipc/codec.hpp>
#include <tandem/ipc/exception_codec.hpp>
#include <tandem/ipc/thunk.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <exception>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

namespace {

struct point {
    int x = 0;
    std::string name;
    std::vector<double> more;
    bool operator==(const point&) const = default;
};
enum class colour : std::uint8_t { red, green };

int twice(int x) { return 2 * x; }

std::vector<std::byte> bytes_of(const auto& value) {
    tandem::writer out;
    tandem::encode(out, value);
    return {out.bytes().begin(), out.bytes().end()};
}

// What was decoded is encoded, decoded, and encoded again: the last two must be the same bytes.
// (The first may be longer than they need be.)
template <class T>
void round_trip(std::span<const std::byte> bytes) {
    tandem::reader in(bytes);
    const T value = tandem::decode<T>(in);
    const auto once = bytes_of(value);
    tandem::reader again(once);
    const T same = tandem::decode<T>(again);
    if (again.remaining() != 0 || bytes_of(same) != once) std::abort();
}

void exception(std::span<const std::byte> bytes) {
    tandem::reader in(bytes);
    if (!tandem::decode_exception(in, 1)) throw tandem::codec_error("none");
}

// A forged name of a call is nothing, or one of the calls that there are.
void token(std::span<const std::byte> bytes) {
    using namespace tandem::detail;
    using call = submitted_call<int (*)(int), int>;
    tandem::reader in(bytes);
    module_offset place = call::entry.token();
    place.offset ^= tandem::decode<std::uint64_t>(in);
    const auto* found = thunk::find(place);
    if (found && found != &call::entry) std::abort();
    carried<int (*)(int)>::decode(in);
}

using decoder = void (*)(std::span<const std::byte>);
const decoder decoders[] = {
    round_trip<int>,
    round_trip<std::string>,
    round_trip<std::vector<int>>,
    round_trip<std::vector<std::string>>,
    round_trip<std::vector<bool>>,
    round_trip<std::map<std::string, std::vector<std::optional<int>>>>,
    round_trip<std::set<std::vector<std::uint8_t>>>,
    round_trip<std::deque<std::tuple<int, std::string, char>>>,
    round_trip<std::variant<int, std::string, std::vector<int>>>,
    round_trip<std::array<std::string, 3>>,
    round_trip<point>,
    round_trip<std::vector<point>>,
    round_trip<std::filesystem::path>,
    round_trip<std::chrono::nanoseconds>,
    round_trip<std::unique_ptr<point>>,
    round_trip<colour>,
    round_trip<std::vector<std::vector<std::vector<std::string>>>>,
    exception,
    token,
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static_cast<void>(&twice);
    if (size == 0) return 0;
    const auto bytes = std::as_bytes(std::span(data, size));
    try {
        decoders[data[0] % std::size(decoders)](bytes.subspan(1));
    } catch (const std::exception&) {
        // Refused.
    }
    return 0;
}

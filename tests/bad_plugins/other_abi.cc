// Built for another release: nothing but the two numbers at the start is where this release has it.
#include <cstdint>

struct StartOfInfo {
  std::uint16_t abi_major;
  std::uint16_t abi_minor;
};

extern "C" __attribute__((visibility("default"))) const StartOfInfo deferd_plugin = {ABI_MAJOR, ABI_MINOR};

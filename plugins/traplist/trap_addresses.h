// The trap addresses of the configuration: a few written there, and files of up to millions.
#pragma once
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "address_file.h"
#include "address_set.h"
#include "config.h"
#include "deferd/host.h"

namespace deferd::traplist {

/// Loaded files, so that a reload does not read again what has not changed. Lives in Host::kept(); thread-safe.
class LoadedFiles {
 public:
  enum class Words : std::uint8_t { whole, local_parts };
  /// Errors: io.
  Result<std::shared_ptr<const AddressSet>> load(const std::string& path, Words words, Log& log);

 private:
  struct Entry {
    FileIdentity identity;
    std::weak_ptr<const AddressSet> set;
  };
  std::mutex mutex_;
  std::map<std::pair<std::string, Words>, Entry> entries_;
};

/// Whether an address is in a set that may also hold `@example.org` and `user@`.
bool holds(const AddressSet& set, std::string_view folded);

/// Immutable; any thread may ask.
class TrapAddresses {
 public:
  /// Throws ErrorException if a file cannot be read.
  TrapAddresses(const Config& config, LoadedFiles& files, Log& log);

  /// Where the address comes from: "the configuration", a file's name; nothing if it is no trap.
  std::optional<std::string> find(std::string_view folded) const;
  std::size_t size() const;

 private:
  struct File {
    std::string path;
    std::vector<std::string> domains;  // empty: the file has whole addresses
    std::shared_ptr<const AddressSet> set;
  };
  AddressSet own_;
  std::vector<File> files_;
};

}  // namespace deferd::traplist

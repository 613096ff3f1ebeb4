#include "trap_addresses.h"

#include <algorithm>

namespace deferd::traplist {

Result<std::shared_ptr<const AddressSet>> LoadedFiles::load(const std::string& path, Words words, Log& log) {
  const std::lock_guard lock(mutex_);
  const auto identity = identify_file(path);
  if (!identity) return tl::unexpected(identity.error());
  auto& entry = entries_[{path, words}];
  if (auto known = entry.set.lock(); known && entry.identity == *identity) return known;

  auto set = std::make_shared<AddressSet>();
  set->reserve(static_cast<std::size_t>(identity->size) / 32);  // a line of a published list has 25 bytes and more
  std::size_t bad = 0;
  auto read = read_address_file(path, [&](std::string_view word, std::size_t) {
    if (!wrong_address(word).empty()) {
      ++bad;
      return;
    }
    const auto folded = fold(word);
    set->add(words == Words::local_parts ? local_part(folded) : folded);
  });
  if (!read) return tl::unexpected(read.error());
  set->seal();
  log.info("traplist.loaded", {{"file", path},
                               {"addresses", static_cast<std::uint64_t>(set->size())},
                               {"bytes", static_cast<std::uint64_t>(set->bytes())}});
  if (bad > 0) log.warning("traplist.bad_lines", {{"file", path}, {"lines", static_cast<std::uint64_t>(bad)}});
  entry = {*identity, set};
  return set;
}

bool holds(const AddressSet& set, std::string_view folded) {
  if (set.contains(folded)) return true;
  const auto at = folded.rfind('@');
  if (at == folded.npos) return false;
  return set.contains(folded.substr(at)) || set.contains(folded.substr(0, at + 1));
}

TrapAddresses::TrapAddresses(const Config& config, LoadedFiles& files, Log& log) {
  for (const auto& address : config.addresses) own_.add(fold(address));
  own_.seal();
  for (const auto& path : config.files) files_.push_back({path, {}, or_throw(files.load(path, LoadedFiles::Words::whole, log))});
  for (const auto& published : config.published) {
    File file{published.file, {}, or_throw(files.load(published.file, LoadedFiles::Words::local_parts, log))};
    for (const auto& domain : published.domains) file.domains.push_back(fold(domain));
    files_.push_back(std::move(file));
  }
}

std::optional<std::string> TrapAddresses::find(std::string_view folded) const {
  if (holds(own_, folded)) return "the configuration";
  const auto domain = domain_of(folded);
  for (const auto& file : files_) {
    if (file.domains.empty()) {
      if (holds(*file.set, folded)) return file.path;
    } else if (std::find(file.domains.begin(), file.domains.end(), domain) != file.domains.end() &&
               file.set->contains(local_part(folded))) {
      return file.path;
    }
  }
  return std::nullopt;
}

std::size_t TrapAddresses::size() const {
  std::size_t all = own_.size();
  for (const auto& file : files_) all += file.set->size() * std::max<std::size_t>(1, file.domains.size());
  return all;
}

}  // namespace deferd::traplist

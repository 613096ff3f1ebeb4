// Lists of clients and of mail addresses, as operators keep them in files: postgrey(8)'s two whitelist formats, and plain lists
// of addresses and prefixes.
//
// One entry a line; `#` begins a comment (in a line with an expression only after a blank). Letters' case is ignored.
//
//   clients   192.0.2.7  2001:db8::1   an address
//             192.0.2.0/24  192.0.2    a prefix; an IPv4 address with numbers left off stands for its prefix
//             example.org              a domain and what is below it, by the name that the MTA has verified
//             .example.org             only what is below it; *.example.org is the same
//             /^mail\d+\.example\./    an expression (deferd/pattern.h), on the name and on the address
//   mail      user@example.org         an address, also with an extension: user+anything@example.org
//             user@                    that user of whatever domain
//             example.org  .example.org   as above
//             @example.org             the domain alone
//             <>                       the null sender
//             /^news-.*@/              an expression, on the whole address
//
// Look-ups cost a few hash probes however long the list is, and one short search for each expression. Lists are filled by one
// thread and then only read, by any number. Subjects above kMaxSubject bytes match nothing.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "deferd/address.h"
#include "deferd/pattern.h"
#include "deferd/result.h"

namespace deferd {

inline constexpr std::size_t kMaxSubject = 320;  ///< A local part of 64, an @, a domain of 255: RFC 5321 section 4.5.3.1.

/// The entry that matched.
struct ListHit {
  std::string entry;
  std::uint32_t line = 0;
};

namespace detail {
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
using LineOf = std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>>;
}  // namespace detail

/// Prefixes, each remembering its line. Where lines do not matter, a PrefixSet (deferd/prefix_set.h) holds millions in less.
class PrefixList {
 public:
  void add(const Prefix& prefix, std::uint32_t line = 0);     ///< Of equal ones the first stays.
  std::optional<ListHit> find(const Address& address) const;  ///< The narrowest that contains it.
  std::size_t size() const { return lines_.size(); }
  /// Calls `use(prefix)` for each, in no order.
  template <class Use>
  void each(Use use) const {
    for (const auto& [prefix, line] : lines_) use(prefix);
  }

 private:
  std::unordered_map<Prefix, std::uint32_t> lines_;
  std::vector<int> lengths_[2];  // in use, longest first; IPv4, IPv6
};

/// Names of hosts: domains and expressions.
class NameList {
 public:
  Result<void> add(std::string_view entry, std::uint32_t line = 0);  ///< Errors: invalid.
  std::optional<ListHit> find(std::string_view name) const;
  std::size_t size() const { return domains_.size() + patterns_.size(); }

 private:
  friend class HostList;
  friend class MailList;
  Result<void> add_pattern(std::string_view entry, std::uint32_t line);
  std::optional<ListHit> find_domain(std::string_view folded) const;
  std::optional<ListHit> find_pattern(const std::string& folded) const;

  struct Expression {
    Pattern pattern;
    std::uint32_t line;
  };
  detail::LineOf domains_;  // ".example.org" is the form without the domain itself
  std::vector<Expression> patterns_;
};

/// The format `clients` above.
class HostList {
 public:
  Result<void> add(std::string_view entry, std::uint32_t line = 0);  ///< Errors: invalid. Host bits of a prefix are cleared.
  /// `name` as verified by the MTA, or empty.
  std::optional<ListHit> find(const Address& address, std::string_view name) const;
  std::size_t size() const { return prefixes_.size() + names_.size(); }
  const PrefixList& prefixes() const { return prefixes_; }

 private:
  PrefixList prefixes_;
  NameList names_;
};

/// The format `mail` above.
class MailList {
 public:
  Result<void> add(std::string_view entry, std::uint32_t line = 0);  ///< Errors: invalid.
  /// `address` without <>. One without a domain (`postmaster`, RFC 5321 section 4.5.1) is that user of an unknown domain.
  std::optional<ListHit> find(std::string_view address) const;
  std::size_t size() const { return exact_.size() + domains_.size(); }

 private:
  detail::LineOf exact_;  // "user@example.org", "user@", "@example.org", "<>"
  NameList domains_;      // its expressions are for whole addresses here
};

/// Reads a list from a text. What is wrong goes to `errors` as `file:line: message`, at most 20 of a file, then their number.
/// The list holds the good entries. List is HostList or MailList.
template <class List>
std::shared_ptr<const List> read_list(std::string_view text, std::string_view file, std::vector<std::string>& errors);

/// Reads a file; one that cannot be read gives an empty list and an error that names it.
template <class List>
std::shared_ptr<const List> load_list(const std::string& file, std::vector<std::string>& errors);

extern template std::shared_ptr<const HostList> read_list(std::string_view, std::string_view, std::vector<std::string>&);
extern template std::shared_ptr<const MailList> read_list(std::string_view, std::string_view, std::vector<std::string>&);
extern template std::shared_ptr<const HostList> load_list(const std::string&, std::vector<std::string>&);
extern template std::shared_ptr<const MailList> load_list(const std::string&, std::vector<std::string>&);

}  // namespace deferd

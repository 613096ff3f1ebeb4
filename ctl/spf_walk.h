// Which addresses a domain's SPF record authorises, as a receiver that checks mail would see it: RFC 7208 section 4.6, with its
// limits. What depends on the mail (macros, exists, ptr) cannot be walked, and is noted.
#pragma once
#include <string>
#include <vector>

#include "ctl/spf_record.h"
#include "deferd/prefix_set.h"

namespace deferd::spf {

/// DNS. An answer without records is a void look-up; that there is no answer is an error (unavailable).
class Resolver {
 public:
  virtual ~Resolver() = default;
  virtual Result<std::vector<std::string>> texts(const std::string& name) = 0;       ///< TXT, each joined from its pieces.
  virtual Result<std::vector<Address>> addresses(const std::string& name) = 0;       ///< A and AAAA.
  virtual Result<std::vector<std::string>> exchangers(const std::string& name) = 0;  ///< MX.
};

struct Walk {
  enum class Status : unsigned char {
    done,
    none,         ///< The domain has no SPF record, or none that could be read.
    unavailable,  ///< DNS gave no answer on the way: `authorised` may lack something.
  };
  Status status = Status::done;
  PrefixSet authorised;
  std::vector<std::string> notes;  ///< What is not in it, and why: one line each, unescaped.
};

/// `domain` as in a mail address. Mechanisms count in their order: what an earlier `-ip4:...` refuses a later one cannot
/// authorise. Where a receiver would stop with permerror or temperror (too many look-ups, an include without a record) the walk
/// stops, too, and keeps what would have matched before. `+all` and prefixes that cover more than a /8 of IPv4 or a /16 of IPv6
/// are noted, not taken.
Walk walk(const std::string& domain, Resolver& resolver);

}  // namespace deferd::spf

// What the doctor's checks share: each question is asked once, and only if a check needs it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ctl/facts.h"
#include "ctl/member.h"
#include "ctl/packet_filter.h"

namespace deferd::ctl {

enum class Verdict : unsigned char { ok, skipped, warn, fail };
std::string_view to_string(Verdict verdict);

/// What a check has found.
struct Finding {
  Verdict verdict = Verdict::ok;
  std::string what;
  std::string remedy{};  ///< Of warn and fail: what to do.
};

/// `one; another`
void append(std::string& all, const std::string& one);

/// What is wrong, collected; and the finding that it makes.
struct Faults {
  std::string what, remedy;

  void add(const std::string& fault, std::string_view its_remedy);
  Finding finding(std::string well) const;  ///< `well`, if nothing is wrong.
};

/// `1 rule`, `2 rules`
std::string counted(std::uint64_t count, std::string_view what);

/// The packet filter's rules, or why there are none to look at.
struct Filtering {
  std::optional<PacketFilter> rules;
  std::string why_not;
  bool enabled = true;  ///< pf may be loaded and do nothing.
};

class Examination {
 public:
  explicit Examination(Facts& facts) : facts_(facts) {}

  Facts& facts() { return facts_; }
  const Outcome<Value>& status();  ///< /v1/status
  const Outcome<Value>& setup();   ///< /v1/setup
  const Outcome<std::vector<Value>>& bridge();
  bool has_plugin(std::string_view name);

  const std::vector<Endpoint>& listeners();  ///< Of the SMTP front end.
  /// What the helpers keep. Where deferd knows of none: what the usual rules have, if there are such.
  const HelperPlan& plan();
  bool helpers_known();  ///< From deferd.yaml, and not guessed.
  FilterKind kind();     ///< What the packet filter here speaks.
  const Filtering& filter();
  /// Only clients on lists are redirected: everybody else is none of deferd's business.
  bool listed_only();

  /// Why the packet filter is not to be looked at; nullopt: it is.
  std::optional<Finding> filter_unseen();

 private:
  void read_pf(Filtering& filtering);
  void read_nftables(Filtering& filtering);

  Facts& facts_;
  std::optional<Outcome<Value>> status_, setup_;
  std::optional<Outcome<std::vector<Value>>> bridge_, plugins_;
  std::optional<std::vector<Endpoint>> listeners_;
  std::optional<HelperPlan> told_, plan_;
  std::optional<Filtering> filtering_;
};

}  // namespace deferd::ctl

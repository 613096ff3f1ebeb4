// A configuration of deferd in spamd's place: conf/spamd-like.yaml with what an operator had set.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ctl/spamd_flags.h"
#include "deferd/address.h"

namespace deferd::ctl {

/// conf/spamd-like.yaml, as it was when this program was built.
extern const std::string_view kSpamdLike;

struct SpamdSetup {
  SpamdFlags flags;
  std::string spamd_conf;           ///< spamd.conf(5); empty: spamd-setup(8) goes on to deliver lists.
  std::string allowed_domains;      ///< spamd.alloweddomains; empty: there is none.
  std::vector<Prefix> never_asked;  ///< Members of <nospamd>.
};

/// The text of a deferd.yaml.
std::string spamd_like_config(const SpamdSetup& setup);

/// What of the flags has to be looked at by a human, a sentence each.
std::vector<std::string> spamd_remarks(const SpamdSetup& setup);

/// What becomes of the packet filter's rules, for people: of each line of `rules` (pf.conf, empty if it is not at hand) that is
/// spamd's, and what may be added. Lines begin with `=` (stays), `+` (new) or `?` (look at it).
std::vector<std::string> rule_differences(std::string_view rules, const SpamdFlags& flags);

}  // namespace deferd::ctl

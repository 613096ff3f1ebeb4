// What a sender and a recipient are taken as: mail that is the same to people has the same pair, however its envelope sender is
// decorated from try to try.
#pragma once
#include <string>
#include <string_view>

namespace deferd::greylist {

/// No folded address is longer.
inline constexpr std::size_t kFoldedMax = 320;

/// Lower case; no source route (RFC 5321 appendix C), no dot at the end of the domain. Then, in the local part:
///   BATV   prvs=4105abcdef=bob, prvs=bob/4105abcdef, btv1==4105abcdef==bob, msprvs1=...=bob   -> bob
///   SRS    SRS0=HHH=TT=example.org=bob -> srs=example.org=bob;  SRS1=HHH=hop==HHH=TT=example.org=bob -> srs=hop=example.org=bob
///   +x     everything from the first plus on goes
///   VERP   numbers, runs of five digits and more, and tokens that look random become #
/// The null sender stays empty. Folding twice is folding once.
std::string fold_sender(std::string_view address);

/// Lower case, no source route, no dot at the end of the domain; all else is the user's own.
std::string fold_recipient(std::string_view address);

/// The sender's domain in lower case; empty for the null sender and names without one.
std::string sender_domain(std::string_view address);

/// As it is, but bounded and without control characters: for profile `spamd`, which compares byte for byte.
std::string keep_bytes(std::string_view text);

}  // namespace deferd::greylist

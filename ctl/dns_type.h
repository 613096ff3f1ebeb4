// Numbers of DNS: RFC 1035 sections 3.2.2 and 3.2.4, RFC 3596 section 2.1. <arpa/nameser.h> names them, but OpenBSD's in another
// way.
#pragma once

namespace deferd::dns {

inline constexpr int kInternet = 1;  ///< The class.
inline constexpr int kA = 1, kMx = 15, kTxt = 16, kAaaa = 28;

}  // namespace deferd::dns

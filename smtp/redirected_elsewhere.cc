#ifndef __linux__
#include "smtp/redirected.h"

namespace deferd::smtp {

// pf's answer to DIOCNATLOOK needs /dev/pf: a privileged helper's business.
bool destination_before_redirect(int, bool, sockaddr_storage&) { return false; }

}  // namespace deferd::smtp
#endif

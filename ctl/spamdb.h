// deferctl called as spamdb: OpenBSD's tool for spamd's database, with deferd's records behind it.
#pragma once
#include <string>
#include <vector>

#include "ctl/screen.h"

namespace deferd::ctl {

/// spamdb [-adGTt] [key ...]. `arguments` without the program's name. Returns spamdb(8)'s exit code: 0, or the number of keys
/// that failed, 1 for a usage error or when no deferd answers, 2 where nothing could be added, 255 for a trap that is no mail
/// address.
int run_spamdb(const std::vector<std::string>& arguments, const std::string& socket, const Screen& screen);

}  // namespace deferd::ctl

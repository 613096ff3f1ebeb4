// postgrey(8)'s databases: files of Berkeley DB, read by its library. docs/decisions/0017-berkeley-db.md
#pragma once
#include <string>

#include "ctl/exit_code.h"

namespace deferd::ctl {

/// Whether it is such a file, or a folder.
bool is_berkeley_db(const std::string& name);

/// As db_dump(1) prints them: a file, or the postgrey.db and postgrey_clients.db of a folder. What postgrey has in its log and
/// not yet in these files is there too if a folder is given: the log is replayed on copies. Nothing of postgrey's is changed, but
/// it should not run meanwhile. Errors: kUsage, also from a deferctl that was built without the library; kRefused.
Outcome<std::string> dump_berkeley_db(const std::string& name);

}  // namespace deferd::ctl

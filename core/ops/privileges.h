// Who the daemon runs as.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "deferd/result.h"

namespace deferd {

struct Account {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

/// Who root is to become: `user` and `group` (empty: the user's own). Throws ErrorException: no `user`, no such account, or one
/// that is root again.
Account find_account(const std::string& user, const std::string& group);

/// Root becomes `account` with its supplementary groups for good; checks that there is no way back. Call it before any thread
/// exists. Throws ErrorException.
void become(const Account& account);

/// Started as root: becomes what find_account() says; true. Started as anybody else: nothing to do; false. Throws as these do.
bool drop_privileges(const std::string& user, const std::string& group);

/// Root's files are opened and made as those of `account`, with its supplementary groups, for as long as it lives. In a process
/// without threads.
class AsAccount {
 public:
  explicit AsAccount(const Account& account);  ///< Throws ErrorException: io.
  ~AsAccount();
  AsAccount(const AsAccount&) = delete;
  AsAccount& operator=(const AsAccount&) = delete;

 private:
  void back();

  const gid_t group_;
  std::vector<gid_t> groups_;
};

/// The name of an account for messages; "uid 1000" if it has none. Any thread.
std::string user_name(uid_t uid);

}  // namespace deferd

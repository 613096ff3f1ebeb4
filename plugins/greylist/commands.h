// What deferctl asks of the records; README.md has the arguments.
#pragma once
#include <string_view>

#include "deferd/plugin.h"
#include "keys.h"
#include "profile.h"
#include "tuple.h"

namespace deferd::greylist {

/// A tuple as a scan finds it.
struct TupleRecord {
  const ScannedRecord& record;
  Envelope envelope;
  Tuple tuple;
};

/// For one command. Those that look for a client or a mail address read every tuple; the work of mail does not wait for them.
class Commands {
 public:
  Commands(Context& context, const Config& config, const Profile& profile)
      : context_(context), config_(config), profile_(profile) {}

  Result<void> run(std::string_view command, const Value& args, Rows& rows);

 private:
  Result<void> list(Rows& rows);
  Result<void> show(const Value& args, Rows& rows);
  Result<void> forget(const Value& args, Rows& rows);
  Result<void> release(const Value& args, Rows& rows);
  Result<void> expect(const Value& args, Rows& rows);
  Result<void> give_up(const Value& args, Rows& rows);

  Result<void> show_client(const Address& client, Rows& rows);
  Result<void> show_mail_address(std::string_view address, Rows& rows);
  Identity identity_of(const Address& client) const;
  template <class Visit>
  Result<void> each_tuple(Visit visit);
  Value row_of(const TupleRecord& found) const;

  Context& context_;
  const Config& config_;
  const Profile& profile_;
};

}  // namespace deferd::greylist

#include "connect_record.h"

namespace deferd::greylist {

bool leaves_records(const Session& session) { return session.front_end == "smtp" || session.tagged("greylist.connect"); }

}  // namespace deferd::greylist

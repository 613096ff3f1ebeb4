// Cannot be made: its constructor throws.
#include <stdexcept>

#include "harmless.h"

namespace deferd {

class ThrowsInConstructor : public Plugin {
 public:
  using Config = Harmless::Config;
  ThrowsInConstructor(const Config&, Host&) { throw std::runtime_error("thrown in the constructor"); }
};

}  // namespace deferd

DEFERD_PLUGIN(deferd::ThrowsInConstructor, "throws_in_constructor", "1");

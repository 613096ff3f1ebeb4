// Where there is no libpcap.
#include "pfbridge/helper/capture.h"

namespace deferd::bridge {

std::unique_ptr<Capture> open_capture(const CaptureOption& option, std::string& error) {
  error = option.device + ": built without libpcap";
  return nullptr;
}

}  // namespace deferd::bridge

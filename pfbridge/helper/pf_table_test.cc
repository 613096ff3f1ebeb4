#include "pfbridge/helper/pf_table.h"

#include <gtest/gtest.h>

#include "pfbridge/helper/fake_pf.h"

namespace deferd::bridge {
namespace {

using pf::entry;

template <class System>
class PfTableTest : public testing::Test {
 protected:
  PfTableTest() { kernel.tables["/white"]; }

  pf::FakePf<System> kernel;
  std::unique_ptr<Backend> table = make_pf_table_of<System>(kernel, {"", "white"});
};
using Systems = testing::Types<pf::FreeBsd, pf::OpenBsd>;
TYPED_TEST_SUITE(PfTableTest, Systems);

TYPED_TEST(PfTableTest, AddsRemovesAndReads) {
  EXPECT_TRUE(this->table->check().ok());
  EXPECT_EQ(this->table->add(std::vector<Row>{{entry("192.0.2.1"), 60}, {entry("2001:db8::1"), 0}}).changed, 2u);
  EXPECT_EQ(this->table->remove(std::vector{entry("192.0.2.1")}).changed, 1u);
  std::vector<Entry> found;
  EXPECT_TRUE(this->table->read(found).ok());
  EXPECT_EQ(found, std::vector{entry("2001:db8::1")});
}

TYPED_TEST(PfTableTest, SaysWhatToDoAboutAFailure) {
  const std::vector<Row> row{{entry("192.0.2.1"), 0}};
  const auto absent = make_pf_table_of<TypeParam>(this->kernel, {"deferd", "whit"});
  EXPECT_EQ(absent->check().error, "pf has no table deferd/<whit>: declare it in pf.conf: table <whit> persist");
  EXPECT_EQ(absent->add(row).error, absent->check().error);
  const std::pair<int, const char*> failures[] = {
      {ENOMEM, "pf's tables are full: raise `set limit table-entries` in pf.conf"},
      {EPERM, "pf does not let the table <white> be changed: declare it without const"},
      {EACCES, "/dev/pf is not open for writing"},
      {ENODEV, "this kernel's pf has other structures than those known here"},
      {EINVAL, "table <white>: Invalid argument"},
  };
  for (const auto& [error, text] : failures) {
    this->kernel.fail_at = this->kernel.calls + 1;
    this->kernel.failure = error;
    EXPECT_EQ(this->table->add(row).error, text);
  }
}

}  // namespace
}  // namespace deferd::bridge

// Stand-in for what GCC looks for on FreeBSD; glibc has its types elsewhere.
#pragma once

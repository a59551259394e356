# Tests: one Check suite a module (unit_*.c), and scenarios.
unit_libs = src/libreporter.a sql/libsql.a shm/libshm.a
include t/units.mk
include t/scenarios.mk

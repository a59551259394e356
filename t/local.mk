# Tests: one Check suite a module (unit_*.c), and scenarios.
unit_libs = src/libreporter.a sql/libsql.a shm/libshm.a $(SYSTEMD_LIBS) \
	$(OPENSSL_LIBS)
EXTRA_DIST += t/instance_fixture.h t/suite.h
include t/units-shm.mk
include t/units-decode.mk
include t/units-edge.mk
include t/units-config.mk
include t/units-sql.mk
include t/units-master.mk
include t/units-tools.mk
include t/gate.mk
include t/scenarios.mk
include t/chaos.mk
include t/bench.mk
include t/fuzz.mk
include t/hardening.mk
include t/layers.mk
include t/messages.mk
include t/analyse.mk

#!/bin/sh
# systemd as PID 1 of namespaces of its own: a system bus, a web server, a socket that is activated,
# and the manager of a user (nobody) with a unit of its own. $1 is how many more services there are.
# Started by `unshare --mount --pid --net --uts --ipc --cgroup --fork`, in a cgroup made for it.
#
# A unit that it starts must not be one of this machine's: a single service with default dependencies
# (polkit, by way of the bus) would pull in sysinit.target, which empties /tmp. So all of those units
# are covered up, and the machine's files are read-only for everything in here.
set -e
mount --make-rprivate /
umount -R /sys/fs/cgroup
while read -r _ at kind _; do
    case $kind in
        proc | sysfs | devpts | cgroup*) ;;
        *) mount -o remount,bind,ro "$at" ;;
    esac
done < /proc/self/mounts
for folder in /etc/systemd/system /usr/lib/systemd/system /etc/systemd/user /usr/lib/systemd/user \
    /usr/share/dbus-1/system-services /usr/lib/systemd/system-generators; do
    if [ -d $folder ]; then mount -t tmpfs -o ro tmpfs $folder; fi
done
if [ -w /tmp ] || [ -w /etc ] || [ -e /usr/lib/systemd/system/sysinit.target ]; then
    echo "this machine's files could not be protected" >&2
    exit 1
fi
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t tmpfs tmpfs /run
mount -t proc proc /proc
mkdir -p /run/systemd/system /run/systemd/user /run/dbus /run/lock
mkdir -m 700 -p /run/user/65534
chown 65534:65534 /run/user/65534
units=/run/systemd/system

cat > $units/stage.target <<U
[Unit]
Description=Everything that the tests need
DefaultDependencies=no
Wants=dbus.socket dbus.service web.service echo.socket each.socket user@65534.service herd.target
U
cat > $units/dbus.service <<U
[Unit]
Description=The system bus
DefaultDependencies=no
Requires=dbus.socket
After=dbus.socket
[Service]
ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation
U
cat > $units/dbus.socket <<U
[Unit]
DefaultDependencies=no
[Socket]
ListenStream=/run/dbus/system_bus_socket
U
cat > $units/web.service <<U
[Unit]
Description=A web server for the test
DefaultDependencies=no
[Service]
ExecStart=/usr/bin/env python3 -m http.server 8099 --bind 127.0.0.1
Restart=always
RestartSec=0
U
cat > $units/echo.socket <<U
[Unit]
Description=A socket that is activated
DefaultDependencies=no
[Socket]
ListenStream=127.0.0.1:7007
Service=repeat.service
U
cat > $units/repeat.service <<U
[Unit]
Description=What is behind the socket
DefaultDependencies=no
[Service]
ExecStart=/bin/sleep infinity
U
cat > $units/each.socket <<U
[Unit]
Description=One process for each connection
DefaultDependencies=no
[Socket]
ListenStream=127.0.0.1:7008
Accept=yes
U
cat > "$units/each@.service" <<U
[Unit]
Description=One connection
DefaultDependencies=no
[Service]
ExecStart=/bin/cat
StandardInput=socket
U
cat > "$units/user@65534.service" <<U
[Unit]
Description=The manager of nobody
DefaultDependencies=no
[Service]
User=65534
Slice=user-65534.slice
Delegate=yes
Environment=XDG_RUNTIME_DIR=/run/user/65534 HOME=/run/user/65534
ExecStart=/lib/systemd/systemd --user --unit=own.target
U
cat > /run/systemd/user/own.target <<U
[Unit]
DefaultDependencies=no
Wants=own.service
U
cat > /run/systemd/user/own.service <<U
[Unit]
Description=A server of the user
DefaultDependencies=no
[Service]
Slice=app.slice
ExecStart=/usr/bin/env python3 -m http.server 8098 --bind 127.0.0.1
U
{
    printf '[Unit]\nDefaultDependencies=no\nWants='
    i=0
    while [ $i -lt "$1" ]; do
        printf 'herd-%d.service ' $i
        printf '[Unit]\nDescription=Sheep %d\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep infinity\n' $i \
            > $units/herd-$i.service
        i=$((i + 1))
    done
    echo
} > $units/herd.target
ip link set lo up
export container=portbook
exec /lib/systemd/systemd --system --unit=stage.target --log-target=console --log-level=err --show-status=no

"""Games: Minetest, OpenArena."""

from bed.server import Place, Server, debian_version


def _minetest(place: Place) -> list[str]:
    place.write("games/bed/game.conf", "title = bed\n")
    place.write("games/bed/mods/stone/mod.conf", "name = stone\n")
    place.write(
        "games/bed/mods/stone/init.lua",
        "minetest.register_node('stone:stone', {description = 'stone'})\n"
        "for _, name in ipairs({'stone', 'water_source', 'river_water_source'}) do\n"
        "  minetest.register_alias('mapgen_' .. name, 'stone:stone')\nend\n",
    )
    place.write("world/world.mt", "gameid = bed\nbackend = dummy\n")
    config = place.write(
        "minetest.conf",
        f"bind_address = {place.address}\nserver_announce = false\nmg_name = singlenode\n",
    )
    return [
        *("env", f"MINETEST_SUBGAME_PATH={place.path('games')}"),
        *("/usr/lib/minetest/minetestserver", "--config", config, "--world", place.path("world")),
        *("--gameid", "bed", "--port", str(place.port), "--logfile", place.path("log")),
    ]


def _openarena(place: Place) -> list[str]:
    return [
        *("/usr/lib/ioquake3/ioq3ded", "+set", "com_basegame", "baseoa"),
        *("+set", "fs_basepath", "/usr/lib/openarena-server", "+set", "fs_homepath", place.folder),
        *("+set", "com_legacyprotocol", "71", "+set", "com_protocol", "71"),
        *("+set", "dedicated", "1", "+set", "net_enabled", "1", "+set", "net_ip", place.address),
        *("+set", "net_port", str(place.port), "+map", "oa_dm1"),
    ]


SERVERS = [
    Server(
        name="minetest",
        packages=("minetest-server",),
        start=_minetest,
        default_port=30000,
        protocol="minetest",
        transport="udp",
        user="games",
        quick=True,
        log=("log",),
    ),
    Server(
        name="openarena",
        packages=("openarena-server",),
        start=_openarena,
        default_port=27960,
        protocol="quake3",
        product="ioquake3",
        version=lambda: (debian_version("ioquake3-server") or "").partition("+u")[0],
        transport="udp",
        user="games",
    ),
]

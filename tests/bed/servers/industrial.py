"""Industrial protocols: servers of the Python packages that speak them."""

import os
import sys

from bed.server import Place, Server

_MODBUS = """
from pymodbus import ModbusDeviceIdentification
from pymodbus.server import StartTcpServer
from pymodbus.datastore import *
import sys
identity = ModbusDeviceIdentification(info_name={
    "VendorName": "Example Works", "ProductCode": "PLC-7", "MajorMinorRevision": "2.4.1"})
block = ModbusSequentialDataBlock(1, [0] * 100)
context = ModbusServerContext(ModbusDeviceContext(hr=block), single=True)
StartTcpServer(context, identity=identity, address=(sys.argv[1], int(sys.argv[2])))
"""
_S7 = """
import sys, time
import snap7.server
server = snap7.server.Server()
server.start(int(sys.argv[2]))
time.sleep(100000)
"""
_BACNET = """
import asyncio, sys
from bacpypes3.ipv4.app import NormalApplication
from bacpypes3.local.device import DeviceObject
from bacpypes3.pdu import Address
async def main():
    device = DeviceObject(objectIdentifier=("device", 7), objectName="bed", vendorIdentifier=999,
        modelName="Example Controller", firmwareRevision="3.1", applicationSoftwareVersion="3.1")
    NormalApplication(device, Address(f"{sys.argv[1]}/32:{sys.argv[2]}"))
    await asyncio.Future()
asyncio.run(main())
"""

_OPCUA = """
import asyncio, sys
from asyncua import Server
async def main():
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://{sys.argv[1]}:{sys.argv[2]}/")
    await server.start()
    await asyncio.Future()
asyncio.run(main())
"""
_IEC104 = """
import sys, time
import c104
server = c104.Server(ip=sys.argv[1], port=int(sys.argv[2]))
server.start()
time.sleep(100000)
"""
_DNP3 = """
import asyncio, sys
from dnp3_outstation import AsyncOutstation
async def main():
    outstation = AsyncOutstation(
        host=sys.argv[1], port=int(sys.argv[2]), master_addr=1, outstation_addr=1024)
    await outstation.start()
    await asyncio.Future()
asyncio.run(main())
"""


def _enip(place: Place) -> list[str]:
    program = os.path.join(os.path.dirname(sys.executable), "enip_server")
    return [program, "-a", f"{place.address}:{place.port}", "SCADA=INT[10]"]


def _python(source: str, place: Place, name: str = "server") -> list[str]:
    script = place.write(f"{name}.py", source)
    return [sys.executable, script, place.address, str(place.port)]


SERVERS = [
    Server(
        name="pymodbus",
        packages=("pip:pymodbus",),
        start=lambda place: _python(_MODBUS, place, "modbus_server"),
        default_port=502,
        protocol="modbus",
        product="Example Works PLC-7",
        version=lambda: "2.4.1",
        quick=True,
        worse=("panic", "segfault"),
    ),
    Server(
        name="snap7",
        packages=("pip:python-snap7",),
        start=lambda place: _python(_S7, place, "s7_server"),
        default_port=102,
        protocol="s7",
        quick=True,
    ),
    Server(
        name="bacpypes3",
        packages=("pip:bacpypes3",),
        start=lambda place: _python(_BACNET, place, "bacnet_server"),
        default_port=47808,
        protocol="bacnet",
        product="Example Controller",
        version=lambda: "3.1",
        transport="udp",
        quick=True,
    ),
    Server(
        name="asyncua",
        packages=("pip:asyncua",),
        start=lambda place: _python(_OPCUA, place, "opcua_server"),
        default_port=4840,
        protocol="opcua",
        seconds=40,
    ),
    Server(
        name="c104",
        packages=("pip:c104",),
        start=lambda place: _python(_IEC104, place, "iec104_server"),
        default_port=2404,
        protocol="iec104",
        quick=True,
        famous=502,
    ),
    Server(
        name="dnp3-outstation",
        packages=("pip:dnp3-outstation",),
        start=lambda place: _python(_DNP3, place, "dnp3-outstation"),
        default_port=20000,
        protocol="dnp3",
        quick=True,
    ),
    Server(
        name="cpppo",
        packages=("pip:cpppo",),
        start=_enip,
        default_port=44818,
        protocol="ethernet-ip",
        product="1756-L61/B LOGIX5561",
        version=lambda: "20.11",
        worse=("panic", "segfault"),
    ),
]

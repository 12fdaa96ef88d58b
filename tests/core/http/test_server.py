from __future__ import annotations

import os
import socket
import stat
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest
import structlog

from core import auth
from core.context import Context
from core.errors import Conflict
from core.http.server import SOCKET, Server
from tests.contexts import settings


async def test_the_address_has_the_real_port(server: Server, anonymous: aiohttp.ClientSession) -> None:
    host, _, port = server.address.rpartition(":")
    assert host == "http://127.0.0.1" and int(port) > 0
    assert (await anonymous.get("/health/live")).status == 200


async def test_a_taken_port_is_said_in_words(ctx: Context, server: Server) -> None:
    port = int(server.address.rpartition(":")[2])
    second = Server(replace(ctx, settings=settings(CCB_PORT=port, CCB_DATA_DIR=ctx.settings.data_dir / "second")))
    with pytest.raises(Conflict, match="CCB_PORT"):
        await second.start()


async def test_who_comes_by_the_socket_is_the_local_admin(ctx: Context, server: Server) -> None:
    path = server.socket_path
    assert path is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with aiohttp.ClientSession("http://ccb", connector=aiohttp.UnixConnector(str(path))) as local:
        found = await (await local.get("/v1/user")).json()
        assert found == {"kind": "local", "id": "local", "name": "local", "permissions": ["admin"]}
        info = await (await local.get("/v1/auth/token-info")).json()
        assert info == {"name": "local", "permissions": ["admin"], "expires_at": None, "last_used_at": None}
        _, plain = await auth.issue(ctx, actor=auth.LOCAL, name="weak", permissions=["events.read"])
        weak = {"Authorization": f"Bearer {plain}"}
        assert (await (await local.get("/v1/user", headers=weak)).json())["name"] == "weak"
        assert (await local.get("/v1/user", headers={"Authorization": "Bearer ccb_x"})).status == 401


async def test_nobody_is_local_on_the_port(anonymous: aiohttp.ClientSession) -> None:
    assert (await anonymous.get("/v1/user")).status == 401


async def test_the_socket_goes_with_the_server_and_the_mask_is_restored(ctx: Context) -> None:
    mask = os.umask(0o022)
    try:
        server = Server(ctx)
        await server.start()
        assert os.umask(0o022) == 0o022
        path = ctx.settings.data_dir / SOCKET
        assert path.is_socket()
        await server.stop()
        assert not path.exists() and server.socket_path is None
    finally:
        os.umask(mask)


async def test_a_socket_left_behind_is_taken_over(ctx: Context) -> None:
    path = ctx.settings.data_dir / SOCKET
    with socket.socket(socket.AF_UNIX) as killed:
        killed.bind(str(path))
    server = Server(ctx)
    await server.start()
    assert server.socket_path == path
    await server.stop()


async def test_a_living_socket_is_left_alone(ctx: Context, server: Server) -> None:
    with structlog.testing.capture_logs() as lines:
        second = Server(ctx)
        await second.start()
    assert second.socket_path is None
    assert any("another engine has the socket" in line["event"] for line in lines)
    await second.stop()
    assert server.socket_path is not None and server.socket_path.is_socket()


async def test_a_path_too_long_for_a_socket_costs_only_the_socket(ctx: Context, tmp_path: Path) -> None:
    folder = tmp_path / ("d" * 100)
    server = Server(replace(ctx, settings=settings(CCB_PORT=0, CCB_DATA_DIR=folder)))
    with structlog.testing.capture_logs() as lines:
        address = await server.start()
    assert server.socket_path is None
    assert any("no socket" in line["event"] for line in lines)
    async with aiohttp.ClientSession(address) as session:
        assert (await session.get("/health/live")).status == 200
    await server.stop()

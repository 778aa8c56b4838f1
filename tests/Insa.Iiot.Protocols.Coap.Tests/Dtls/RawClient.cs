using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Crypto.Prng;
using Org.BouncyCastle.Security;
using Org.BouncyCastle.Tls;
using Org.BouncyCastle.Tls.Crypto.Impl.BC;

namespace Insa.Iiot.Protocols.Coap.Tests.Dtls;

/// <summary>A client that begins a handshake, shows its cookie, and says no more.</summary>
internal sealed class RawClient : IDisposable
{
    private const int SessionIdAt = 13 + 12 + 2 + 32;

    private readonly UdpClient _socket;

    public RawClient(IPEndPoint server, int localPort = 0)
    {
        _socket = new UdpClient(new IPEndPoint(IPAddress.Loopback, localPort));
        _socket.Connect(server);
    }

    /// <summary>Makes a ClientHello, a new one each time.</summary>
    public static byte[] Hello()
    {
        var wire = new Capture();
        var crypto = new BcTlsCrypto(new SecureRandom(new CryptoApiRandomGenerator()));
        var settings = new DtlsClientSettings { Psk = DtlsCredentials.Psk };
        var peer = new DtlsClientPeer(crypto, settings, TimeProvider.System) { LastSequence = () => 0 };
        Assert.ThrowsAny<IOException>(() => new DtlsClientProtocol().Connect(peer, wire));
        return wire.First!;
    }

    /// <summary>Puts the cookie of a HelloVerifyRequest into a ClientHello (RFC 6347 §4.2.1).</summary>
    public static byte[] WithCookie(byte[] hello, byte[] helloVerifyRequest)
    {
        var cookie = helloVerifyRequest.AsSpan(13 + 12 + 2);
        var at = SessionIdAt + 1 + hello[SessionIdAt];
        byte[] result = [.. hello.AsSpan(0, at), .. cookie, .. hello.AsSpan(at + 1)];
        var length = result.Length - 13;
        result[10]++;
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(11), (ushort)length);
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(13 + 2), (ushort)(length - 12));
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(13 + 4), 1);
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(13 + 10), (ushort)(length - 12));
        return result;
    }

    public async Task<byte[]> Exchange(byte[] datagram)
    {
        await _socket.SendAsync(datagram);
        return await Receive();
    }

    public async Task<byte[]> Receive() => (await _socket.ReceiveAsync().WaitAsync(DtlsHost.Patience)).Buffer;

    /// <summary>Takes a place among the handshakes, and leaves it at that.</summary>
    public async Task HalfOpen()
    {
        var hello = Hello();
        await _socket.SendAsync(WithCookie(hello, await Exchange(hello)));
    }

    public void Dispose() => _socket.Dispose();

    private sealed class Capture : DatagramTransport
    {
        public byte[]? First { get; private set; }

        public int GetReceiveLimit() => UdpSocket.MaxDatagramBytes;

        public int GetSendLimit() => 1200;

        public int Receive(byte[] buf, int off, int len, int waitMillis) => throw new IOException("That was all.");

        public int Receive(Span<byte> buffer, int waitMillis) => throw new IOException("That was all.");

        public void Send(byte[] buf, int off, int len) => Send(buf.AsSpan(off, len));

        public void Send(ReadOnlySpan<byte> buffer) => First ??= buffer.ToArray();

        public void Close() { }
    }
}

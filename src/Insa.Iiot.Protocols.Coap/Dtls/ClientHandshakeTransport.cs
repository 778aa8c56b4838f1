using System.Buffers.Binary;
using System.Diagnostics;
using System.Net.Sockets;
using Insa.Iiot.Protocols.Coap.Transport;
using Org.BouncyCastle.Tls;

namespace Insa.Iiot.Protocols.Coap.Dtls;

/// <summary>Carries a client's handshake over its connected socket.</summary>
internal sealed class ClientHandshakeTransport(Socket socket, CancellationToken cancellationToken) : DatagramTransport
{
    private const int LongestWaitMillis = 100;

    /// <summary>The highest sequence number that was sent in the new epoch.</summary>
    public ulong LastSequence { get; private set; }

    public int GetReceiveLimit() => UdpSocket.MaxDatagramBytes;

    public int GetSendLimit() => 1200;

    public int Receive(byte[] buf, int off, int len, int waitMillis) => Receive(buf.AsSpan(off, len), waitMillis);

    public int Receive(Span<byte> buffer, int waitMillis)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (cancellationToken.IsCancellationRequested)
                throw new HandshakeAbortedException();
            var left = waitMillis == 0 ? LongestWaitMillis : waitMillis - (int)Stopwatch.GetElapsedTime(started).TotalMilliseconds;
            if (left <= 0)
                return -1;
            if (TryReceive(buffer, Math.Min(left, LongestWaitMillis), out var length))
                return length;
        }
    }

    public void Send(byte[] buf, int off, int len) => Send(buf.AsSpan(off, len));

    public void Send(ReadOnlySpan<byte> buffer)
    {
        if (BinaryPrimitives.ReadUInt16BigEndian(buffer[3..]) > 0)
            LastSequence = Math.Max(LastSequence, BinaryPrimitives.ReadUInt64BigEndian(buffer[3..]) & 0xFFFF_FFFF_FFFF);
        try
        {
            socket.Send(buffer);
        }
        catch (SocketException)
        {
            // Nobody listens yet, or the network is full: the handshake retransmits.
        }
    }

    public void Close() { }

    private bool TryReceive(Span<byte> buffer, int waitMillis, out int length)
    {
        length = 0;
        try
        {
            if (!socket.Poll(TimeSpan.FromMilliseconds(waitMillis), SelectMode.SelectRead))
                return false;
            length = socket.Receive(buffer);
            return HandshakeDatagram.TryRead(buffer[..length], 0, out _, out _);
        }
        catch (SocketException)
        {
            // An ICMP error for what was sent before, or a datagram that is too large.
            return false;
        }
    }
}

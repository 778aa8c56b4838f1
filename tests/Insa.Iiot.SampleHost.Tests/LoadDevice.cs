using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Insa.Iiot.SampleHost.Tests;

/// <summary>
/// A device that publishes numbered readings by MQTT 3.1.1 at QoS 1, its window always full, and after a broken connection begins again
/// with the first that was not acknowledged.
/// </summary>
internal sealed class LoadDevice(string id, string user, string password, DateTimeOffset start) : ILoadDevice
{
    private const int Window = 64;
    private const byte ServerUnavailable = 3; // MQTT 3.1.1 table 3.1

    public string Id => id;

    public int Acknowledged { get; private set; }

    public int Sent { get; private set; }

    public DateTimeOffset TimeOf(int reading) => start.AddMilliseconds(reading);

    // It also ends when the host cannot ask its store who this is.
    public async Task RunAsync(IPEndPoint endpoint, Action<int> acknowledged, CancellationToken stop = default)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await using var stopped = stop.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), socket);
        var received = new byte[16 * 1024];
        try
        {
            await socket.ConnectAsync(endpoint);
            await SendAsync(socket, Connect());
            var length = 0;
            while (length < 4)
                length += await ReceiveAsync(socket, received.AsMemory(length));
            if (received.AsSpan(0, 4).SequenceEqual<byte>([0x20, 2, 0, ServerUnavailable]))
                return;
            if (!received.AsSpan(0, 4).SequenceEqual<byte>([0x20, 2, 0, 0]))
                throw new InvalidDataException($"CONNACK was {Convert.ToHexString(received, 0, length)}.");

            length -= 4;
            var next = Acknowledged;
            while (true)
            {
                next = await FillAsync(socket, next);
                length += await ReceiveAsync(socket, received.AsMemory(length));
                var count = TakeAcknowledgements(received.AsSpan(0, length));
                received.AsSpan(count * 4, length - (count * 4)).CopyTo(received);
                length -= count * 4;
                next = await FillAsync(socket, next);
                acknowledged(count);
            }
        }
        catch (SocketException)
        {
            // The host is gone.
        }
        catch (ObjectDisposedException) when (stop.IsCancellationRequested)
        {
            // This was all.
        }
    }

    private async Task<int> FillAsync(Socket socket, int next)
    {
        var bytes = new List<byte>();
        for (; next < Acknowledged + Window; next++)
            bytes.AddRange(Publish(next));
        Sent = Math.Max(Sent, next);
        await SendAsync(socket, bytes.ToArray());
        return next;
    }

    /// <returns>How many there were; they come in the order of the readings (MQTT 3.1.1 §4.6).</returns>
    private int TakeAcknowledgements(ReadOnlySpan<byte> bytes)
    {
        var count = 0;
        for (; bytes.Length >= 4; bytes = bytes[4..], count++)
        {
            if (bytes[0] != 0x40 || bytes[1] != 2 || BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) != PacketId(Acknowledged))
                throw new InvalidDataException($"Reading {Acknowledged} of {id} was answered by {Convert.ToHexString(bytes[..4])}.");
            Acknowledged++;
        }

        return count;
    }

    private byte[] Connect()
    {
        List<byte> body = [0, 4, .. "MQTT"u8, 4, 0xC2, 0, 0];
        AddText(body, id);
        AddText(body, user);
        AddText(body, password);
        return Packet(0x10, body);
    }

    private byte[] Publish(int reading)
    {
        List<byte> body = [];
        AddText(body, "telemetry");
        AddNumber(body, PacketId(reading));
        body.AddRange(
            Encoding.UTF8.GetBytes($$$"""{"data":{"n":{{{reading}}}},"timestamp":{{{TimeOf(reading).ToUnixTimeMilliseconds()}}}}""")
        );
        return Packet(0x32, body);
    }

    private static ushort PacketId(int reading) => (ushort)((reading % ushort.MaxValue) + 1);

    private static byte[] Packet(byte first, List<byte> body) =>
        body.Count < 128 ? [first, (byte)body.Count, .. body] : [first, (byte)(body.Count | 0x80), (byte)(body.Count >> 7), .. body];

    private static void AddText(List<byte> body, string text)
    {
        AddNumber(body, (ushort)text.Length);
        body.AddRange(Encoding.ASCII.GetBytes(text));
    }

    private static void AddNumber(List<byte> body, ushort number)
    {
        body.Add((byte)(number >> 8));
        body.Add((byte)number);
    }

    private static async Task SendAsync(Socket socket, ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes)..];
    }

    private static async Task<int> ReceiveAsync(Socket socket, Memory<byte> target) =>
        await socket.ReceiveAsync(target) is var count and > 0 ? count : throw new SocketException((int)SocketError.ConnectionReset);
}

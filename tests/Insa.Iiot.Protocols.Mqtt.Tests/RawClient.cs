using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Insa.Iiot.Protocols.Mqtt.Tests;

/// <summary>A client that sends what it is told, byte by byte, and reads whole packets.</summary>
internal sealed class RawClient : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CancellationTokenSource _patience = new(TimeSpan.FromSeconds(30));

    public static async Task<RawClient> OpenAsync(IPEndPoint endpoint)
    {
        var client = new RawClient();
        await client._socket.ConnectAsync(endpoint, client._patience.Token);
        return client;
    }

    public static async Task<RawClient> ConnectAsync(
        MqttHost host,
        byte version = 4,
        string user = "press@plant",
        string clientId = "c1",
        ushort keepAlive = 60,
        byte[]? properties = null,
        bool isClean = true
    )
    {
        var client = await OpenAsync(host.Endpoint);
        await client.SendAsync(Connect(version, user, MqttHost.Password, clientId, keepAlive, properties, isClean));
        var answer = await client.ReadAsync();
        Assert.Equal(0x20, answer![0]);
        Assert.Equal(0, answer[3]);
        return client;
    }

    public static byte[] Connect(
        byte version,
        string? user,
        string? password,
        string clientId = "c1",
        ushort keepAlive = 60,
        byte[]? properties = null,
        bool isClean = true
    )
    {
        var body = new List<byte>();
        Text(body, "MQTT");
        body.Add(version);
        body.Add((byte)((isClean ? 2 : 0) | (user is null ? 0 : 0x80) | (password is null ? 0 : 0x40)));
        Number(body, keepAlive);
        if (version == 5)
        {
            body.Add((byte)(properties?.Length ?? 0));
            body.AddRange(properties ?? []);
        }

        Text(body, clientId);
        if (user is not null)
            Text(body, user);
        if (password is not null)
            Text(body, password);
        return Packet(0x10, body);
    }

    public static byte[] Publish(
        byte version,
        string topic,
        string payload,
        int qos = 1,
        ushort id = 1,
        byte[]? properties = null,
        byte flags = 0
    )
    {
        var body = new List<byte>();
        Text(body, topic);
        if (qos > 0)
            Number(body, id);
        if (version == 5)
        {
            body.Add((byte)(properties?.Length ?? 0));
            body.AddRange(properties ?? []);
        }

        body.AddRange(Encoding.UTF8.GetBytes(payload));
        return Packet((byte)(0x30 | (qos << 1) | flags), body);
    }

    public static byte[] Packet(byte first, List<byte> body)
    {
        var packet = new List<byte> { first };
        var length = body.Count;
        do
        {
            packet.Add((byte)((length & 0x7F) | (length > 0x7F ? 0x80 : 0)));
            length >>= 7;
        } while (length > 0);
        packet.AddRange(body);
        return [.. packet];
    }

    public async Task SendAsync(byte[] bytes)
    {
        for (ReadOnlyMemory<byte> rest = bytes; !rest.IsEmpty; )
            rest = rest[await _socket.SendAsync(rest, _patience.Token)..];
    }

    /// <returns>The next packet, or <see langword="null"/> if the server has closed.</returns>
    public async Task<byte[]?> ReadAsync()
    {
        try
        {
            var head = new List<byte>();
            var length = 0;
            var next = new byte[1];
            do
            {
                if (!await FillAsync(next))
                    return null;
                if (head.Count > 0)
                    length |= (next[0] & 0x7F) << (7 * (head.Count - 1));
                head.Add(next[0]);
            } while (head.Count == 1 || (next[0] & 0x80) != 0);
            var body = new byte[length];
            return await FillAsync(body) ? [.. head, .. body] : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _socket.Dispose();
        _patience.Dispose();
    }

    private async Task<bool> FillAsync(byte[] target)
    {
        for (var at = 0; at < target.Length; )
        {
            var count = await _socket.ReceiveAsync(target.AsMemory(at), _patience.Token);
            if (count == 0)
                return false;
            at += count;
        }

        return true;
    }

    private static void Text(List<byte> body, string text)
    {
        Number(body, (ushort)Encoding.UTF8.GetByteCount(text));
        body.AddRange(Encoding.UTF8.GetBytes(text));
    }

    private static void Number(List<byte> body, ushort value)
    {
        var bytes = new byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, value);
        body.AddRange(bytes);
    }
}

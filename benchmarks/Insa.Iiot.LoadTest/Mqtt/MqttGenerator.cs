using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>One connection that keeps its window full with raw pipelined bytes, and checks every acknowledgement and its order.</summary>
internal sealed class MqttGenerator : IDisposable
{
    private const int TimestampDigits = 13;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly byte[] _frame;
    private readonly byte[] _sending;
    private readonly byte[] _receiving = new byte[64 * 1024];
    private readonly long[] _sentAt = new long[ushort.MaxValue + 1];
    private readonly int _window;
    private readonly int _idAt;
    private readonly int _timestampAt;
    private readonly string _user;
    private readonly double _perSecond;
    private ushort _nextId = 1;
    private ushort _expectedId = 1;
    private long _timestamp;
    private long _sent;

    public MqttGenerator(string user, int window, int payloadBytes, DateTimeOffset firstTimestamp, double perSecond = 0)
    {
        _user = user;
        _perSecond = perSecond;
        _window = window;
        _timestamp = firstTimestamp.ToUnixTimeMilliseconds();
        (_frame, _idAt, _timestampAt) = MakeFrame(payloadBytes);
        _sending = new byte[_frame.Length * window];
    }

    public LatencyHistogram Latency { get; } = new();

    public long Acknowledged { get; private set; }

    public long Errors { get; private set; }

    public async Task ConnectAsync(int port)
    {
        await _socket.ConnectAsync(IPAddress.Loopback, port);
        var user = _user;
        byte[] connect =
        [
            0x10,
            (byte)(18 + user.Length),
            0,
            4,
            .. "MQTT"u8,
            4,
            0xC2,
            0,
            0,
            0,
            0,
            0,
            (byte)user.Length,
            .. Encoding.ASCII.GetBytes(user),
            0,
            2,
            .. "pw"u8,
        ];
        await _socket.SendAsync(connect);
        var answer = new byte[4];
        for (var at = 0; at < answer.Length; )
        {
            var count = await _socket.ReceiveAsync(answer.AsMemory(at));
            if (count == 0)
                throw new IOException("The server closed the connection at CONNECT.");
            at += count;
        }

        if (answer[3] != 0)
            throw new IOException($"The server refused CONNECT with {answer[3]}.");
    }

    /// <summary>Sends until the deadline, then waits for what is still in flight.</summary>
    public async Task RunAsync(long deadline)
    {
        var inFlight = 0;
        var rest = 0;
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (Stopwatch.GetTimestamp() < deadline && inFlight < _window)
            {
                var count = await DueAsync(began, _window - inFlight);
                Fill(count);
                await SendAllAsync(_sending.AsMemory(0, count * _frame.Length));
                inFlight += count;
            }
            else if (inFlight == 0)
            {
                return;
            }

            var received = await _socket.ReceiveAsync(_receiving.AsMemory(rest));
            if (received == 0)
            {
                Errors += inFlight;
                return;
            }

            var (acknowledged, left) = Read(rest + received);
            inFlight -= acknowledged;
            rest = left;
        }
    }

    public void Dispose() => _socket.Dispose();

    // At a fixed rate, what should have been sent by now counts, also after a pause of the server's.
    private async ValueTask<int> DueAsync(long began, int most)
    {
        if (_perSecond == 0)
            return most;
        while (true)
        {
            var due = (long)(Stopwatch.GetElapsedTime(began).TotalSeconds * _perSecond) + 1 - _sent;
            if (due > 0)
                return (int)Math.Min(due, most);
            await Task.Delay(1);
        }
    }

    private void Fill(int count)
    {
        _sent += count;
        var now = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            var frame = _sending.AsSpan(i * _frame.Length, _frame.Length);
            _frame.CopyTo(frame);
            BinaryPrimitives.WriteUInt16BigEndian(frame[_idAt..], _nextId);
            Utf8Formatter.TryFormat(_timestamp++, frame[_timestampAt..], out _);
            _sentAt[_nextId] = now;
            _nextId = Next(_nextId);
        }
    }

    private (int Acknowledged, int Left) Read(int length)
    {
        var now = Stopwatch.GetTimestamp();
        var at = 0;
        var acknowledged = 0;
        for (; length - at >= 4; at += 4)
        {
            var ack = _receiving.AsSpan(at, 4);
            if (ack[0] != 0x40 || ack[1] != 2 || BinaryPrimitives.ReadUInt16BigEndian(ack[2..]) != _expectedId)
                Errors++;
            Latency.Record(now - _sentAt[_expectedId]);
            _expectedId = Next(_expectedId);
            acknowledged++;
        }

        Acknowledged += acknowledged;
        _receiving.AsSpan(at, length - at).CopyTo(_receiving);
        return (acknowledged, length - at);
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _socket.SendAsync(bytes)..];
    }

    private static ushort Next(ushort id) => id == ushort.MaxValue ? (ushort)1 : (ushort)(id + 1);

    private static (byte[] Frame, int IdAt, int TimestampAt) MakeFrame(int payloadBytes)
    {
        // JSON allows white space: it fills the payload up to its size.
        const string Head = "{\"data\":{\"temp\":25.125},\"timestamp\":";
        var payload = Head + new string('0', TimestampDigits) + "}";
        payload = payload.PadRight(payloadBytes);
        var topic = "telemetry"u8;
        var body = 2 + topic.Length + 2 + payload.Length;
        var frame = new List<byte> { 0x32 };
        for (var left = body; ; left >>= 7)
        {
            frame.Add((byte)((left & 0x7F) | (left > 0x7F ? 0x80 : 0)));
            if (left <= 0x7F)
                break;
        }

        frame.AddRange([0, (byte)topic.Length, .. topic]);
        var idAt = frame.Count;
        frame.AddRange([0, 0]);
        var timestampAt = frame.Count + Head.Length;
        frame.AddRange(Encoding.ASCII.GetBytes(payload));
        return ([.. frame], idAt, timestampAt);
    }
}

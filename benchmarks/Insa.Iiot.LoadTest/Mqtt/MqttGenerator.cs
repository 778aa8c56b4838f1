using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Insa.Iiot.LoadTest.Measuring;

namespace Insa.Iiot.LoadTest.Mqtt;

/// <summary>One connection that keeps its window full with raw pipelined bytes, and checks every acknowledgement and its order.</summary>
internal sealed class MqttGenerator : IDisposable
{
    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly AckWindow _acks = new();
    private readonly PublishFrame _frame;
    private readonly byte[] _sending;
    private readonly byte[] _receiving = new byte[64 * 1024];
    private readonly int _window;
    private readonly string _user;
    private readonly double _perSecond;
    private long _timestamp;
    private long _sent;

    public MqttGenerator(string user, int window, int payloadBytes, DateTimeOffset firstTimestamp, double perSecond = 0)
    {
        _user = user;
        _perSecond = perSecond;
        _window = window;
        _timestamp = firstTimestamp.ToUnixTimeMilliseconds();
        _frame = new PublishFrame(payloadBytes);
        _sending = new byte[_frame.Length * window];
    }

    /// <summary>How long after the deadline an acknowledgement may still come.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(15);

    public LatencyHistogram Latency => _acks.Latency;

    public long Acknowledged => _acks.Acknowledged;

    /// <summary>Messages never acknowledged, and one for an acknowledgement that was not due or a connection that broke.</summary>
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

    /// <summary>Sends until the deadline, then waits for what is still in flight, but not for ever.</summary>
    public async Task RunAsync(long deadline)
    {
        using var patience = new CancellationTokenSource(Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), deadline) + Patience);
        using var _ = patience.Token.UnsafeRegister(static socket => ((Socket)socket!).Dispose(), _socket);
        try
        {
            if (!await ExchangeAsync(deadline))
                Errors++;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            Errors++;
        }

        Errors += _acks.InFlight;
    }

    public void Dispose() => _socket.Dispose();

    /// <returns><see langword="false"/> when the server closed, or acknowledged what was not due.</returns>
    private async Task<bool> ExchangeAsync(long deadline)
    {
        var rest = 0;
        var began = Stopwatch.GetTimestamp();
        while (true)
        {
            if (Stopwatch.GetTimestamp() < deadline && _acks.InFlight < _window)
            {
                var count = await DueAsync(began, _window - _acks.InFlight);
                Fill(count);
                await SendAllAsync(_sending.AsMemory(0, count * _frame.Length));
            }
            else if (_acks.InFlight == 0)
            {
                return rest == 0 && _socket.Available == 0;
            }

            var received = await _socket.ReceiveAsync(_receiving.AsMemory(rest));
            if (received == 0 || !_acks.TryRead(_receiving.AsSpan(0, rest + received), Stopwatch.GetTimestamp(), out var read))
                return false;
            rest += received - read;
            _receiving.AsSpan(read, rest).CopyTo(_receiving);
        }
    }

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
            _frame.Write(_sending.AsSpan(i * _frame.Length), _acks.Open(now), _timestamp++);
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await _socket.SendAsync(bytes)..];
    }
}

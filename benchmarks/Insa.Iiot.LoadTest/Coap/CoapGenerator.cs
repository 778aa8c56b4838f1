using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>
/// Emulates devices on one thread: each has a socket, and one exchange in flight all the time. What is not answered in 2 s (ACK_TIMEOUT) is
/// sent again, and counted.
/// </summary>
internal sealed class CoapGenerator : IDisposable
{
    private const int StartedAtOnce = 16;
    private const int MaxAttempts = 5;

    private static readonly TimeSpan AckTimeout = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan CheckInterval = TimeSpan.FromMilliseconds(100);

    private readonly Device[] _devices;
    private readonly byte[] _received = new byte[2048];

    /// <param name="server">The server's port on loopback.</param>
    /// <param name="first">The number of the first device.</param>
    /// <param name="count">How many.</param>
    /// <param name="isOurs">Whether telemetry is posted; else libcoap's server is asked for the time.</param>
    /// <param name="isConfirmable">Whether by CON.</param>
    /// <param name="start">The time of the first reading.</param>
    public CoapGenerator(int server, int first, int count, bool isOurs, bool isConfirmable, DateTimeOffset start)
    {
        _devices = new Device[count];
        for (var i = 0; i < count; i++)
            _devices[i] = new Device(server, first + i, isOurs, isConfirmable, start);
    }

    public LatencyHistogram Latency { get; } = new();

    public long Answered { get; private set; }

    public long Retransmitted { get; private set; }

    /// <summary>Exchanges that were given up, and answers that were refusals or not for what was asked.</summary>
    public long Errors { get; private set; }

    public void Run(long deadline)
    {
        using var ready = new ReadySockets();
        for (var i = 0; i < _devices.Length; i++)
            ready.Add(_devices[i].Socket, i);
        var started = 0;
        var running = _devices.Length;
        var checkedAt = Stopwatch.GetTimestamp();
        while (running > 0)
        {
            // A few at a time: nobody's receive buffer holds the first requests of all.
            for (var i = 0; i < StartedAtOnce && started < _devices.Length; i++)
                _devices[started++].SendNext();
            for (var i = ready.Wait(CheckInterval) - 1; i >= 0; i--)
                running -= Advance(_devices[ready[i]], TryReceive, deadline);
            if (Stopwatch.GetElapsedTime(checkedAt) < CheckInterval)
                continue;
            checkedAt = Stopwatch.GetTimestamp();
            foreach (var device in _devices.AsSpan(0, started))
            {
                if (!device.IsDone && Stopwatch.GetElapsedTime(device.LastSentAt) >= AckTimeout)
                    running -= Advance(device, TrySendAgain, deadline);
            }
        }
    }

    public void Dispose()
    {
        foreach (var device in _devices)
            device.Socket.Dispose();
    }

    /// <returns>1 if the device has ended with this, else 0.</returns>
    private static int Advance(Device device, Func<Device, bool> tryFinish, long deadline)
    {
        if (!tryFinish(device))
            return 0;
        if (Stopwatch.GetTimestamp() < deadline)
        {
            device.SendNext();
            return 0;
        }

        device.IsDone = true;
        return 1;
    }

    /// <returns><see langword="true"/> if it was sent often enough, and is given up.</returns>
    private bool TrySendAgain(Device device)
    {
        if (device.Attempts == MaxAttempts)
        {
            Errors++;
            return true;
        }

        Retransmitted++;
        device.Send();
        return false;
    }

    // Answers to what was sent twice may come twice: only the one for the request in flight counts.
    private bool TryReceive(Device device)
    {
        int length;
        try
        {
            length = device.Socket.Receive(_received);
        }
        catch (SocketException)
        {
            return false;
        }

        if (
            !CoapHeader.TryRead(_received.AsSpan(0, length), out var header)
            || !CoapMessage.TryRead(_received.AsSpan(0, length), header.Code, out var message)
        )
        {
            Errors++;
            return false;
        }

        if (header.Type == CoapType.Confirmable)
            device.Acknowledge(header.MessageId);
        if (device.IsDone || header.Code == default || !message.Token.SequenceEqual(device.Token))
            return false;
        Latency.Record(Stopwatch.GetTimestamp() - device.SentAt);
        if (header.Code.IsSuccess)
            Answered++;
        else
            Errors++;
        return true;
    }

    private sealed class Device
    {
        private readonly CoapRequestFrame _frame;

        public Device(int server, int number, bool isOurs, bool isConfirmable, DateTimeOffset start)
        {
            Socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            Socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Socket.Connect(new IPEndPoint(IPAddress.Loopback, server));
            _frame = new CoapRequestFrame(isOurs, isConfirmable, isOurs ? $"load-{number}@load:pw" : null, start);
        }

        public Socket Socket { get; }

        public long SentAt { get; private set; }

        public long LastSentAt { get; private set; }

        public int Attempts { get; private set; }

        public bool IsDone { get; set; }

        public ReadOnlySpan<byte> Token => _frame.Token;

        public void SendNext()
        {
            _frame.Advance();
            Attempts = 0;
            Send();
            SentAt = LastSentAt;
        }

        public void Send()
        {
            Attempts++;
            LastSentAt = Stopwatch.GetTimestamp();
            Socket.Send(_frame.Bytes);
        }

        public void Acknowledge(ushort id)
        {
            Span<byte> ack = stackalloc byte[CoapHeader.Length];
            new CoapHeader(CoapType.Acknowledgement, default, id).Write(ack, 0);
            Socket.Send(ack);
        }
    }
}

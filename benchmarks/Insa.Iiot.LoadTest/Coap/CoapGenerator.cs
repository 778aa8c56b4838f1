using System.Buffers.Binary;
using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Messages;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>
/// Emulates devices on one thread: each has a socket and one exchange in flight. It goes round them, takes each one's answer and sends its next
/// request, so that the number in flight stays the same; what is not answered in 2 s (ACK_TIMEOUT) is sent again, and counted.
/// </summary>
internal sealed class CoapGenerator : IDisposable
{
    private const int AckTimeoutMilliseconds = 2000;
    private const int MaxAttempts = 5;
    private const int TimestampDigits = 13;

    private readonly Device[] _devices;
    private readonly byte[] _received = new byte[2048];

    /// <param name="server">The server's port on loopback.</param>
    /// <param name="first">The number of the first device.</param>
    /// <param name="count">How many.</param>
    /// <param name="isOurs">Whether telemetry is posted; else a resource of libcoap's server is put.</param>
    /// <param name="isConfirmable">Whether by CON.</param>
    /// <param name="start">The time of the first reading.</param>
    public CoapGenerator(int server, int first, int count, bool isOurs, bool isConfirmable, DateTimeOffset start)
    {
        _devices = new Device[count];
        for (var i = 0; i < count; i++)
            _devices[i] = new Device(server, first + i, isOurs, isConfirmable, start.ToUnixTimeMilliseconds());
    }

    public LatencyHistogram Latency { get; } = new();

    public long Answered { get; private set; }

    public long Retransmitted { get; private set; }

    /// <summary>Exchanges that were given up, and answers that were refusals or not for what was asked.</summary>
    public long Errors { get; private set; }

    public void Run(long deadline)
    {
        foreach (var device in _devices)
            device.SendNext();
        var running = _devices.Length;
        while (running > 0)
        {
            foreach (var device in _devices)
            {
                if (device.IsDone)
                    continue;
                Finish(device);
                if (Stopwatch.GetTimestamp() < deadline)
                {
                    device.SendNext();
                    continue;
                }

                device.IsDone = true;
                running--;
            }
        }
    }

    public void Dispose()
    {
        foreach (var device in _devices)
            device.Socket.Dispose();
    }

    private void Finish(Device device)
    {
        for (var attempt = 1; ; attempt++)
        {
            if (TryReceive(device, out var code))
            {
                Latency.Record(Stopwatch.GetTimestamp() - device.SentAt);
                if (code.IsSuccess)
                    Answered++;
                else
                    Errors++;
                return;
            }

            if (attempt == MaxAttempts)
            {
                Errors++;
                return;
            }

            Retransmitted++;
            device.Send();
        }
    }

    // Answers to what was sent twice may come twice: only the one for the request in flight counts.
    private bool TryReceive(Device device, out CoapCode code)
    {
        code = default;
        while (true)
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
                continue;
            }

            if (header.Type == CoapType.Confirmable)
                device.Acknowledge(header.MessageId);
            if (header.Code == default || !message.Token.SequenceEqual(device.Token))
                continue;
            code = header.Code;
            return true;
        }
    }

    private sealed class Device
    {
        private readonly byte[] _request;
        private readonly int _length;
        private readonly int _timestampAt;
        private long _timestamp;
        private ushort _id;

        public Device(int server, int number, bool isOurs, bool isConfirmable, long timestamp)
        {
            Socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = AckTimeoutMilliseconds };
            Socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Socket.Connect(new IPEndPoint(IPAddress.Loopback, server));
            _timestamp = timestamp;
            _id = (ushort)Random.Shared.Next(65_536);

            // The same bytes either way.
            var payload = System.Text.Encoding.ASCII.GetBytes($$$"""{"data":{"n":21},"timestamp":{{{timestamp:D13}}}}""");
            _request = new byte[256];
            var writer = new CoapMessageWriter(_request);
            var type = isConfirmable ? CoapType.Confirmable : CoapType.NonConfirmable;
            writer.WriteHeader(new CoapHeader(type, isOurs ? CoapCode.Post : CoapCode.Put, 0), [0, 0]);
            writer.WriteOption(CoapOptionNumber.UriPath, isOurs ? "telemetry"u8 : "example_data"u8);
            writer.WriteOption(CoapOptionNumber.ContentFormat, (uint)CoapContentFormat.Json);
            if (isOurs)
                writer.WriteOption(CoapOptionNumber.UriQuery, System.Text.Encoding.ASCII.GetBytes($"token=load-{number}@load:pw"));
            writer.WritePayload(payload);
            _length = writer.Length;
            _timestampAt = _length - payload.Length + payload.AsSpan().LastIndexOf((byte)':') + 1;
        }

        public Socket Socket { get; }

        public long SentAt { get; private set; }

        public bool IsDone { get; set; }

        public ReadOnlySpan<byte> Token => _request.AsSpan(CoapHeader.Length, 2);

        public void SendNext()
        {
            _id++;
            BinaryPrimitives.WriteUInt16BigEndian(_request.AsSpan(2), _id);
            BinaryPrimitives.WriteUInt16BigEndian(_request.AsSpan(CoapHeader.Length), _id);
            Utf8Formatter.TryFormat(_timestamp++, _request.AsSpan(_timestampAt, TimestampDigits), out _);
            SentAt = Stopwatch.GetTimestamp();
            Send();
        }

        public void Send() => Socket.Send(_request.AsSpan(0, _length));

        public void Acknowledge(ushort id)
        {
            Span<byte> ack = stackalloc byte[CoapHeader.Length];
            new CoapHeader(CoapType.Acknowledgement, default, id).Write(ack, 0);
            Socket.Send(ack);
        }
    }
}

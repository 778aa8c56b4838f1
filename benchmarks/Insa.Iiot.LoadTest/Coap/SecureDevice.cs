using System.Diagnostics;
using System.Net;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.Coap.Dtls;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Transport;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>A device with a DTLS session and one exchange in flight, on the session's own thread. What is not answered in 2 s is sent again, and counted.</summary>
internal sealed class SecureDevice : IDatagramHandler, IDisposable
{
    /// <summary>The key of all devices, which libcoap's server takes as text.</summary>
    public static readonly byte[] Key = "load-test-key-of-all-devices-0123"u8.ToArray();

    private const int MaxAttempts = 5;
    private static readonly TimeSpan AckTimeout = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CoapRequestFrame _frame;
    private DtlsClientTransport? _session;
    private long _deadline;
    private long _sentAt;
    private long _lastSentAt;
    private int _attempts;
    private volatile bool _isRunning;

    public SecureDevice(bool isOurs, bool isConfirmable, DateTimeOffset start) =>
        _frame = new CoapRequestFrame(isOurs, isConfirmable, null, start);

    public LatencyHistogram Latency { get; } = new();

    public long Answered { get; private set; }

    public long Retransmitted { get; private set; }

    public long Errors { get; private set; }

    public async Task ConnectAsync(int port, int number)
    {
        var settings = new DtlsClientSettings { Psk = new Insa.Iiot.DevicePsk($"load-{number}@load", Key) };
        _session = await DtlsClientTransport.ConnectAsync(
            new IPEndPoint(IPAddress.Loopback, port),
            settings,
            this,
            TimeProvider.System,
            CancellationToken.None
        );
    }

    public Task RunAsync(long deadline)
    {
        _deadline = deadline;
        _isRunning = true;
        SendNext();
        return _done.Task;
    }

    public void Receive(in PeerAddress peer, ReadOnlySpan<byte> datagram)
    {
        if (
            !_isRunning
            || !CoapHeader.TryRead(datagram, out var header)
            || !CoapMessage.TryRead(datagram, header.Code, out var message)
            || header.Code == default
            || !message.Token.SequenceEqual(_frame.Token)
        )
            return;
        if (header.Type == CoapType.Confirmable)
        {
            Span<byte> ack = stackalloc byte[CoapHeader.Length];
            new CoapHeader(CoapType.Acknowledgement, default, header.MessageId).Write(ack, 0);
            _session!.Send(ack);
        }

        Latency.Record(Stopwatch.GetTimestamp() - _sentAt);
        if (header.Code.IsSuccess)
            Answered++;
        else
            Errors++;
        Next();
    }

    public void Tick()
    {
        if (!_isRunning || Stopwatch.GetElapsedTime(_lastSentAt) < AckTimeout)
            return;
        if (_attempts == MaxAttempts)
        {
            Errors++;
            Next();
            return;
        }

        Retransmitted++;
        Send();
    }

    public void Dispose() => _session?.Dispose();

    private void Next()
    {
        if (Stopwatch.GetTimestamp() < _deadline)
        {
            SendNext();
            return;
        }

        _isRunning = false;
        _done.TrySetResult();
    }

    private void SendNext()
    {
        _frame.Advance();
        _attempts = 0;
        _sentAt = Stopwatch.GetTimestamp();
        Send();
    }

    private void Send()
    {
        _attempts++;
        _lastSentAt = Stopwatch.GetTimestamp();
        _session!.Send(_frame.Bytes);
    }
}

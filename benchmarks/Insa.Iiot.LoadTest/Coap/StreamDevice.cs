using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Insa.Iiot.LoadTest.Measuring;
using Insa.Iiot.Protocols.Coap;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Streams;

namespace Insa.Iiot.LoadTest.Coap;

/// <summary>A device's connection (RFC 8323) that keeps its window full with pipelined requests, and takes the answers in whatever order they come.</summary>
/// <param name="number">The device's number.</param>
/// <param name="window">Requests in flight.</param>
/// <param name="isOurs">Whether telemetry is posted; else libcoap's server is asked for the time.</param>
/// <param name="start">The time of the first reading.</param>
internal sealed class StreamDevice(int number, int window, bool isOurs, DateTimeOffset start) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private static readonly byte[] Csm = [0x00, 0xE1];

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly CoapRequestFrame _frame = new(isOurs, isConfirmable: false, isOurs ? $"load-{number}@load:pw" : null, start);
    private readonly long[] _sentAt = new long[ushort.MaxValue + 1]; // by token; 0 is none in flight
    private readonly ArrayBufferWriter<byte> _sending = new();
    private readonly byte[] _receiving = new byte[64 * 1024];
    private Stream? _stream;
    private int _inFlight;

    public LatencyHistogram Latency { get; } = new();

    public long Answered { get; private set; }

    /// <summary>Requests never answered or refused, and one for what is no answer or a connection that broke.</summary>
    public long Errors { get; private set; }

    public async Task ConnectAsync(int port, bool isSecure)
    {
        await _socket.ConnectAsync(IPAddress.Loopback, port);
        _stream = new NetworkStream(_socket);
        if (isSecure)
        {
            var secure = new SslStream(_stream);
            _stream = secure;
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "localhost",
                    ApplicationProtocols = [new SslApplicationProtocol("coap")],
                    RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null, // made for this run
                }
            );
        }

        await _stream.WriteAsync(Csm);
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
        catch (Exception exception) when (exception is IOException or ObjectDisposedException)
        {
            Errors++;
        }

        Errors += _inFlight;
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _socket.Dispose();
    }

    /// <returns><see langword="false"/> when the server closed, or sent what is no answer.</returns>
    private async Task<bool> ExchangeAsync(long deadline)
    {
        var rest = 0;
        while (true)
        {
            if (Stopwatch.GetTimestamp() < deadline && _inFlight < window)
            {
                Fill(window - _inFlight);
                await _stream!.WriteAsync(_sending.WrittenMemory);
            }
            else if (_inFlight == 0)
            {
                return true;
            }

            var received = await _stream!.ReadAsync(_receiving.AsMemory(rest));
            if (received == 0 || !TryRead(rest + received, out var read))
                return false;
            rest += received - read;
            _receiving.AsSpan(read, rest).CopyTo(_receiving);
        }
    }

    private void Fill(int count)
    {
        _sending.ResetWrittenCount();
        var now = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            _frame.Advance();
            var datagram = _frame.Bytes;
            _sending.Advance(StreamFrame.WriteHeader(_sending.GetSpan(StreamFrame.MaxHeaderLength), datagram));
            _sending.Write(datagram[CoapHeader.Length..]);
            _sentAt[BinaryPrimitives.ReadUInt16BigEndian(_frame.Token)] = now;
        }

        _inFlight += count;
    }

    private bool TryRead(int length, out int read)
    {
        read = 0;
        var now = Stopwatch.GetTimestamp();
        while (true)
        {
            var unread = new ReadOnlySequence<byte>(_receiving, read, length - read);
            var result = StreamFrame.TryRead(unread, _receiving.Length, out var frame);
            if (result != StreamFrameResult.Complete)
                return result == StreamFrameResult.Incomplete;
            var isAnswer = frame.Code.IsResponse;
            if (isAnswer && !TryTake(frame, _receiving.AsSpan(read + frame.HeaderLength), now))
                return false;
            read += frame.Length;
        }
    }

    private bool TryTake(in StreamFrame frame, ReadOnlySpan<byte> rest, long now)
    {
        if (frame.TokenNibble != sizeof(ushort))
            return false;
        ref var sentAt = ref _sentAt[BinaryPrimitives.ReadUInt16BigEndian(rest)];
        if (sentAt == 0)
            return false;
        Latency.Record(now - sentAt);
        sentAt = 0;
        _inFlight--;
        if (frame.Code.IsSuccess)
            Answered++;
        else
            Errors++;
        return true;
    }
}

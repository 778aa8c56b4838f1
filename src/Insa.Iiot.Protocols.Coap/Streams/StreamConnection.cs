using System.Buffers;
using System.IO.Pipelines;
using Insa.Iiot.Protocols.Coap.Diagnostics;
using Insa.Iiot.Protocols.Coap.Exchange;
using Insa.Iiot.Protocols.Coap.Messages;
using Insa.Iiot.Protocols.Coap.Server;
using Insa.Iiot.Protocols.Coap.Transport;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Insa.Iiot.Protocols.Coap.Streams;

/// <summary>A client's connection (RFC 8323): reads requests in place and gives them to the endpoint, as long as not too many are at work.</summary>
/// <param name="server">Whose connection it is.</param>
/// <param name="address">What stands for it.</param>
/// <param name="transport">Its bytes.</param>
/// <param name="session">Whose it is, if its device has shown a certificate.</param>
internal sealed class StreamConnection(StreamServer server, PeerAddress address, ConnectionContext transport, DeviceSession? session)
    : IThreadPoolWorkItem,
        IDisposable
{
    private const int MaxWeight = 1024;
    private const int MaxMessagesAtOnce = 64; // others wait for the endpoint meanwhile
    private const int MaxPings = 128;

    private readonly CoapServerOptions _options = server.Services.Options;
    private readonly CoapMetrics _metrics = server.Services.Metrics;
    private readonly TimeProvider _time = server.Services.Time;
    private readonly int _maxFrameBytes =
        server.Services.Options.MaxMessageBytes + (transport is WebSocketConnection ? WebSocketFrames.MaxOverhead : 0);
    private readonly PipeReader _input = transport.Transport.Input;
    private readonly Lock _atWork = new();
    private readonly CancellationTokenSource _ending = new();
    private readonly Capabilities _peer = new();
    private readonly Queue<Action<MessageOutcome>?> _pings = new();
    private TaskCompletionSource? _room;
    private TaskCompletionSource<bool>? _credential;
    private bool _isUncheckable;
    private int _roomWeight;
    private int _weight;
    private DeviceSession? _speaker;
    private CoapToken _pingToken;
    private long _heardAt = server.Services.Time.GetTimestamp();
    private int _isFlushQueued;
    private volatile bool _isHeldBack;
    private bool _isKnown = session is not null; // whether a request of a known device was taken
    private bool _isPinged;
    private bool _isReleased;

    public PeerAddress Address => address;

    public StreamOutput Output { get; } = new(transport.Transport.Output, server.OutputBudget);

    /// <summary>What an answer may have, as a datagram: its header may be shorter than the one it gets.</summary>
    public int MaxAnswerBytes =>
        Math.Min(_peer.MaxMessageBytes, _options.MaxMessageBytes) - (StreamFrame.MaxHeaderLength - CoapHeader.Length);

    public bool TakesSeveralBlocks => _peer.TakesSeveralBlocks;

    public async Task RunAsync()
    {
        var stopping = transport.Features.Get<IConnectionLifetimeNotificationFeature>()?.ConnectionClosedRequested ?? default;
        await using var stop = stopping.Register(End).ConfigureAwait(false);
        Output.Drained = () => server.Endpoint.Drained(address);
        Output.Broken = transport.Abort;
        Signal.SendCsm(Output, _options.MaxMessageBytes);
        Output.Flush();
        try
        {
            if (await ReceiveAsync().ConfigureAwait(false) == ConnectionStep.Finish)
                await FinishAsync().ConfigureAwait(false);
            await Output.WhenDrainedAsync().WaitAsync(_options.HandshakeTimeout, _time).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            // What it was not told, it does not read.
            transport.Abort();
        }
        finally
        {
            Output.Close();
        }
    }

    public void Dispose() => _ending.Dispose();

    /// <summary>Something of the connection's is at work.</summary>
    public void Began(int weight)
    {
        lock (_atWork)
            _weight += weight;
    }

    /// <summary>It is done.</summary>
    public void Ended(int weight)
    {
        TaskCompletionSource? room = null;
        lock (_atWork)
        {
            _weight -= weight;
            if (_weight <= _roomWeight)
                (room, _room) = (_room, null);
        }

        room?.TrySetResult();
    }

    /// <summary>The credential of the message that waits for it was checked, or could not be. Called under the endpoint's lock.</summary>
    public void Checked(bool isDone) => _credential?.TrySetResult(isDone);

    /// <summary>Flushes, soon and on another thread: for who holds the endpoint's lock.</summary>
    public void QueueFlush()
    {
        if (Interlocked.Exchange(ref _isFlushQueued, 1) == 0)
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        Volatile.Write(ref _isFlushQueued, 0);
        Output.Flush();
    }

    /// <summary>Ends the connection in good order: takes no more requests, and answers those that it has.</summary>
    public void End()
    {
        try
        {
            _ending.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }

        _input.CancelPendingRead();
    }

    /// <summary>See <see cref="IConnectionSender.TryConfirm"/>.</summary>
    public bool TryConfirm(Action<MessageOutcome> ended)
    {
        if (!TryPing(ended))
            return false;
        QueueFlush();
        return true;
    }

    /// <summary>Nothing more is confirmed: the connection is over. Under the endpoint's lock.</summary>
    public void Abandon()
    {
        while (TryTakePing(out var ended))
            ended?.Invoke(MessageOutcome.Dropped);
    }

    /// <summary>Looks whether the client is still there; called now and then.</summary>
    public void Check()
    {
        if (_isHeldBack && !Output.AwaitsRoom())
            return; // Its silence is our doing.
        var silence = _time.GetElapsedTime(Volatile.Read(ref _heardAt));
        if (!_peer.IsKnown)
        {
            if (silence >= _options.HandshakeTimeout)
                Expire("csm_timeout");
        }
        else if (silence >= _options.IdleTimeout + _options.HandshakeTimeout || (silence >= _options.IdleTimeout && !_isKnown))
        {
            Expire("idle_timeout");
        }
        else if (silence >= _options.IdleTimeout && !_isPinged)
        {
            // RFC 8323 §3.4: one that observes is silent, and is there all the same.
            _isPinged = true;
            TryPing(null);
            Output.Flush();
        }
    }

    private void Expire(string reason)
    {
        _metrics.Refused(reason);
        Signal.Send(Output, Signal.Release, diagnostic: "no message came"u8);
        Output.Flush();
        transport.Abort();
    }

    private async Task<ConnectionStep> ReceiveAsync()
    {
        while (true)
        {
            var read = await _input.ReadAsync().ConfigureAwait(false);
            if (read.IsCanceled || _ending.IsCancellationRequested)
            {
                _input.AdvanceTo(read.Buffer.Start);
                return ConnectionStep.Finish;
            }

            var step = Handle(read.Buffer, out var consumed);
            _input.AdvanceTo(consumed, step == ConnectionStep.Read ? read.Buffer.End : consumed);
            Output.Flush();
            if (step is ConnectionStep.Finish or ConnectionStep.Abort)
                return step;
            if (step == ConnectionStep.Read && read.IsCompleted)
                return ConnectionStep.Finish;
            if (step is not (ConnectionStep.Read or ConnectionStep.Yield) || !Output.WhenDrainedAsync().IsCompleted)
                await WaitAsync(step).ConfigureAwait(false);
        }
    }

    private async ValueTask WaitAsync(ConnectionStep step)
    {
        _isHeldBack = true;
        try
        {
            switch (step)
            {
                case ConnectionStep.WaitForRoom:
                    await WhenAtMostAsync(MaxWeight / 2).WaitAsync(_ending.Token).ConfigureAwait(false);
                    break;
                case ConnectionStep.WaitForCustody:
                    await WhenAtMostAsync(0).WaitAsync(_ending.Token).ConfigureAwait(false);
                    break;
                case ConnectionStep.WaitForCredential:
                    _isUncheckable = !await _credential!.Task.WaitAsync(_ending.Token).ConfigureAwait(false);
                    break;
                case ConnectionStep.WaitForCapacity:
                    await server.Services.Ingress.WaitForCapacityAsync(_speaker!, _ending.Token).ConfigureAwait(false);
                    break;
            }

            if (step == ConnectionStep.WaitForCustody)
                Pong();

            // Who does not read answers is not read either.
            var drained = Output.WhenDrainedAsync();
            if (!drained.IsCompleted)
                await drained.WaitAsync(_ending.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The connection ends, or the pipeline does; the next read finds out.
            End();
        }

        Volatile.Write(ref _heardAt, _time.GetTimestamp());
        _isHeldBack = false;
    }

    // What was taken is answered. Then, if it is we who want the end, the client is told.
    private async Task FinishAsync()
    {
        _isHeldBack = true;
        await WhenAtMostAsync(0).WaitAsync(transport.ConnectionClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_isReleased)
            Signal.Send(Output, Signal.Release);
        Output.Flush();
    }

    private Task WhenAtMostAsync(int weight)
    {
        lock (_atWork)
        {
            if (_weight <= weight)
                return Task.CompletedTask;
            _roomWeight = weight;
            return (_room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    private void Pong()
    {
        Span<byte> token = stackalloc byte[CoapToken.MaxShortLength];
        Signal.Send(Output, Signal.Pong, _pingToken.AsSpan(token), (Signal.Custody, 0));
        Output.Flush();
    }

    private ConnectionStep Handle(ReadOnlySequence<byte> buffer, out SequencePosition consumed)
    {
        using var burst = server.BeginBurst(this);
        consumed = buffer.Start;
        for (var count = 0; count < MaxMessagesAtOnce; count++)
        {
            // A CSM is short, and nothing else comes before it.
            var maxLength = _peer.IsKnown ? _maxFrameBytes : Signal.BaseMessageBytes;
            switch (StreamFrame.TryRead(buffer, maxLength, out var frame))
            {
                case StreamFrameResult.Incomplete:
                    return ConnectionStep.Read;
                case StreamFrameResult.TooLarge:
                    return Refuse("too_large", "the message is too large"u8);
                case StreamFrameResult.Malformed:
                    return Refuse("malformed", "this is no message"u8);
            }

            var step = Handle(frame, buffer.Slice(frame.HeaderLength, frame.Length - frame.HeaderLength));
            if (step is ConnectionStep.WaitForCapacity or ConnectionStep.WaitForCredential)
                return step;
            buffer = buffer.Slice(frame.Length);
            consumed = buffer.Start;
            Volatile.Write(ref _heardAt, _time.GetTimestamp());
            _isPinged = false;
            if (step != ConnectionStep.Read)
                return step;
            if (Output.IsFull)
                return ConnectionStep.Yield;
            if (Volatile.Read(ref _weight) >= MaxWeight)
                return ConnectionStep.WaitForRoom;
        }

        return ConnectionStep.Yield;
    }

    private ConnectionStep Handle(in StreamFrame frame, in ReadOnlySequence<byte> rest)
    {
        if (rest.IsSingleSegment)
            return Handle(frame, rest.FirstSpan);
        var length = (int)rest.Length;
        var copy = ArrayPool<byte>.Shared.Rent(length);
        rest.CopyTo(copy);
        var step = Handle(frame, copy.AsSpan(0, length));
        ArrayPool<byte>.Shared.Return(copy);
        return step;
    }

    private ConnectionStep Handle(in StreamFrame frame, ReadOnlySpan<byte> rest)
    {
        if (!_peer.IsKnown && frame.Code != Signal.Csm)
            return Refuse("no_csm", "the first message is a CSM"u8);
        if (frame.Code.IsRequest)
            return HandleRequest(frame, rest);
        if (frame.Code.Class == Signal.Class)
            return HandleSignal(frame, rest);

        // An empty message keeps the connection alive (RFC 8323 §3.4), and a response is to nothing of ours.
        if (frame.Code.Value != 0)
            _metrics.Dropped("unexpected");
        return ConnectionStep.Read;
    }

    private ConnectionStep HandleRequest(in StreamFrame frame, ReadOnlySpan<byte> rest)
    {
        var verdict = server.Endpoint.Receive(address, session, frame.Code, frame.TokenNibble, rest, _isUncheckable, out _speaker);
        _isUncheckable = false;
        _isKnown |= _speaker is not null;
        switch (verdict)
        {
            case StreamVerdict.Taken:
                return ConnectionStep.Read;
            case StreamVerdict.Waits:
                // The verdict comes under the endpoint's lock, which is held here.
                _credential = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
                return ConnectionStep.WaitForCredential;
            case StreamVerdict.NoRoom:
                return ConnectionStep.WaitForCapacity;
            default:
                return Refuse("malformed", "the message is malformed"u8);
        }
    }

    private ConnectionStep HandleSignal(in StreamFrame frame, ReadOnlySpan<byte> rest)
    {
        if (!CoapMessage.TryRead(frame.Code, frame.TokenNibble, rest, out var message))
            return Refuse("malformed", "the message is malformed"u8);
        if (frame.Code == Signal.Csm)
        {
            var bad = _peer.Read(message);
            return bad == 0 ? ConnectionStep.Read : Refuse("bad_csm", "an option of the CSM"u8, (Signal.BadCsmOption, (uint)bad));
        }

        if (Capabilities.HasCriticalOption(message))
            return Refuse("bad_option", "a critical option"u8);
        if (frame.Code == Signal.Ping)
            return HandlePing(message);
        if (frame.Code == Signal.Release)
        {
            _isReleased = true;
            return ConnectionStep.Finish;
        }

        // The answers to pings come in their order, and whatever came before the ping was taken then (RFC 8323 §5.4).
        if (frame.Code == Signal.Pong && TryTakePing(out var ended))
            ended?.Invoke(MessageOutcome.Acknowledged);

        // What else there may be is not for us.
        return frame.Code == Signal.Abort ? ConnectionStep.Abort : ConnectionStep.Read;
    }

    private bool TryPing(Action<MessageOutcome>? ended)
    {
        lock (_pings)
        {
            if (_pings.Count >= MaxPings)
                return false;
            _pings.Enqueue(ended);
            Signal.Send(Output, Signal.Ping, option: ended is null ? null : (Signal.Custody, 0));
            return true;
        }
    }

    private bool TryTakePing(out Action<MessageOutcome>? ended)
    {
        lock (_pings)
            return _pings.TryDequeue(out ended);
    }

    private ConnectionStep HandlePing(in CoapMessage message)
    {
        var reader = new CoapOptionReader(message.Options);
        while (reader.Read())
        {
            if (reader.Number != Signal.Custody)
                continue;
            _pingToken = new CoapToken(message.Token);
            return ConnectionStep.WaitForCustody;
        }

        Signal.Send(Output, Signal.Pong, message.Token);
        return ConnectionStep.Read;
    }

    private ConnectionStep Refuse(string reason, ReadOnlySpan<byte> diagnostic, (int, uint)? option = null)
    {
        _metrics.Refused(reason);
        Signal.Send(Output, Signal.Abort, option: option, diagnostic: diagnostic);
        return ConnectionStep.Abort;
    }
}

using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.SecureChannel;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>
/// A request and the way to answer it, exactly once. It has one owner: the handler while it runs, and whoever it is given to after
/// <see cref="Keep"/>. After the answer it is used for other requests: nobody may hold on to it.
/// </summary>
internal sealed class RequestContext(IResponseOutput output, TimeProvider time)
{
    private const ulong Active = 0;
    private const ulong Kept = 1;
    private const ulong Answered = 2;
    private const ulong StateMask = 3;

    // Who is to answer it is counted beside the state; and which request it is above that, as work can outlive its answer.
    private const ulong Work = 4;
    private const ulong WorkMask = 0xFFFF_FFFC;
    private const ulong Generation = 1UL << 32;

    private ulong _state;
    private bool _isWriting;
    private uint _cancelReason;
    private CancellationTokenSource? _cancellation;
    private SessionCounters? _counters;
    private CountedService _service;

    /// <summary>The channel it came by.</summary>
    public ChannelSecurity Channel { get; private set; } = ChannelSecurity.Nothing;

    /// <summary>The session; <see langword="null"/> only for services that do without.</summary>
    public UaSession? Session { get; set; }

    /// <summary>The session of a service that is never called without.</summary>
    public UaSession ActiveSession => Session ?? throw new InvalidOperationException("The service asked for no session.");

    /// <summary>Names the request on its channel.</summary>
    public uint RequestId { get; private set; }

    /// <summary>Names the request to the client.</summary>
    public uint RequestHandle { get; private set; }

    /// <summary>When it came, as <see cref="TimeProvider.GetTimestamp"/> has it.</summary>
    public long ReceivedAt { get; private set; }

    /// <summary>How long the client waits for the answer; <see cref="TimeSpan.Zero"/> if it does not say.</summary>
    public TimeSpan Timeout { get; private set; }

    /// <summary>Whether it has been kept, and so is given back by who answers it.</summary>
    internal bool WasKept { get; private set; }

    /// <summary>Whether it waits to be answered later.</summary>
    public bool IsKept => (Volatile.Read(ref _state) & StateMask) == Kept;

    public bool IsAnswered => (Volatile.Read(ref _state) & StateMask) == Answered;

    /// <summary>Why the answer is not wanted any more; Good while it is.</summary>
    public StatusCode CancelReason => new(Volatile.Read(ref _cancelReason));

    /// <summary>Called on any thread when a kept request is cancelled by the client, is out of time, or its connection is gone. It still has to be answered.</summary>
    public Action<RequestContext>? Cancelled { get; set; }

    /// <summary>Cancelled when <see cref="Cancelled"/> is called. For work that goes on after the handler.</summary>
    public CancellationToken Cancellation
    {
        get
        {
            _cancellation ??= new CancellationTokenSource();
            return _cancellation.Token;
        }
    }

    /// <summary>Begins an answer and writes its header. What follows goes to <paramref name="responseId"/>'s fields; <see cref="End"/> sends it.</summary>
    /// <remarks>Between the two nothing may be awaited: the connection's output is taken.</remarks>
    public UaWriter Begin(uint responseId, StatusCode serviceResult = default)
    {
        var writer = new UaWriter(output.BeginMessage(RequestId));
        _isWriting = true;
        writer.NodeId(responseId);
        WriteHeader(ref writer, serviceResult);
        return writer;
    }

    /// <summary>Sends an answer. One that is too large for the client or for us is a fault instead.</summary>
    public void End(ref UaWriter writer)
    {
        writer.Flush();
        if (!writer.Status.IsGood)
        {
            Fault(writer.Status);
            return;
        }

        _isWriting = false;
        output.EndMessage();
        Answer();
    }

    /// <summary>Sends a response, whose header is made by <see cref="MakeHeader"/>.</summary>
    public void Respond(IUaEncodable response)
    {
        var writer = new UaWriter(output.BeginMessage(RequestId));
        _isWriting = true;
        writer.NodeId(response.EncodingId);
        response.Encode(ref writer);
        End(ref writer);
    }

    /// <summary>Answers by a ServiceFault; also instead of an answer that was begun.</summary>
    public void Fault(StatusCode status)
    {
        output.Faulted(status);
        _counters?.Failed(_service, status);
        _counters = null;
        if (_isWriting && !CancelWriting(status))
        {
            Answer();
            return;
        }

        var writer = new UaWriter(output.BeginMessage(RequestId));
        writer.NodeId(ServiceFault.BinaryEncodingId);
        WriteHeader(ref writer, status);
        writer.Flush();
        if (writer.Status.IsGood)
            output.EndMessage();
        else
            output.CancelMessage(status);
        Answer();
    }

    /// <summary>The header of this request's response.</summary>
    public ResponseHeader MakeHeader(StatusCode serviceResult = default) =>
        new()
        {
            Timestamp = time.GetUaTicks(),
            RequestHandle = RequestHandle,
            ServiceResult = serviceResult,
        };

    /// <summary>Keeps the request to be answered after the handler.</summary>
    public void Keep() => TryKeep();

    /// <summary>
    /// Keeps the request until work is done that answers it. Work may hand it on to other work by this; when all of it has ended without an answer, that is a
    /// fault.
    /// </summary>
    public void AnswerBy(ValueTask work)
    {
        if (work.IsCompletedSuccessfully)
        {
            work.GetAwaiter().GetResult();
            if (!IsAnswered && !IsKept)
                Fault(StatusCodes.BadInternalError);
            return;
        }

        // The work may have answered on another thread by now: then there is nothing to keep.
        var generation = Volatile.Read(ref _state) / Generation;
        TryKeep();
        _ = ObserveAsync(work, generation);
    }

    /// <summary>Cancels the kept requests of a session on this connection that the client names so.</summary>
    /// <returns>How many there were.</returns>
    public int CancelRequests(UaSession session, uint requestHandle) => output.CancelRequests(session, requestHandle);

    /// <summary>Says that the answer of a kept request is not wanted any more. Its owner answers it.</summary>
    public void Cancel(StatusCode reason)
    {
        if (!IsKept || Interlocked.CompareExchange(ref _cancelReason, reason.Value, 0) != 0)
            return;
        Cancelled?.Invoke(this);
        _cancellation?.Cancel();
    }

    /// <summary>Counts it among a session's requests; and later among its failures, if it becomes one.</summary>
    internal void CountIn(SessionCounters counters, CountedService service)
    {
        (_counters, _service) = (counters, service);
        counters.Received(service);
    }

    /// <summary>Makes it that of another request, whose header is read here.</summary>
    /// <returns>The token of its session, in the request's memory.</returns>
    internal NodeIdView Start(ChannelSecurity channel, uint requestId, ref UaReader reader)
    {
        WasKept = false;
        (Channel, RequestId, Session, _counters) = (channel, requestId, null, null);
        (ReceivedAt, _cancelReason, _isWriting, Cancelled) = (time.GetTimestamp(), 0, false, null);
        Volatile.Write(ref _state, (_state / Generation + 1) * Generation | Active);
        if (_cancellation is not null && !_cancellation.TryReset())
        {
            _cancellation.Dispose();
            _cancellation = null;
        }

        var token = reader.NodeId();

        // The client's clock decides nothing here.
        reader.DateTime();
        RequestHandle = reader.UInt32();
        reader.UInt32();
        reader.Utf8String();
        Timeout = TimeSpan.FromMilliseconds(reader.UInt32());
        reader.ExtensionObjectView();
        return token;
    }

    /// <summary>Takes back an answer that was begun and not ended, and answers by a fault if nothing is answered: for a handler that has thrown.</summary>
    internal void Fail(StatusCode status)
    {
        if (!IsAnswered)
            Fault(status);
    }

    private void WriteHeader(ref UaWriter writer, StatusCode serviceResult)
    {
        writer.DateTime(time.GetUaTicks());
        writer.UInt32(RequestHandle);
        writer.StatusCode(serviceResult);
        writer.NullDiagnosticInfo();
        writer.NullArray();
        writer.NullExtensionObject();
    }

    private bool CancelWriting(StatusCode status)
    {
        _isWriting = false;
        return output.CancelMessage(status);
    }

    private void Answer()
    {
        _isWriting = false;
        var state = Volatile.Read(ref _state);
        while (Interlocked.CompareExchange(ref _state, state & ~(StateMask | WorkMask) | Answered, state) is var found && found != state)
            state = found;
        if ((state & StateMask) == Kept)
            output.Release(this);
    }

    private void TryKeep()
    {
        var state = Volatile.Read(ref _state);
        while ((state & StateMask) != Answered)
        {
            var found = Interlocked.CompareExchange(ref _state, (state & ~StateMask | Kept) + Work, state);
            if (found == state)
            {
                WasKept = true;
                return;
            }

            state = found;
        }
    }

    // Once the work has answered, this may be another request's already; or the work has handed it on to other work.
    private async Task ObserveAsync(ValueTask work, ulong generation)
    {
        var status = StatusCodes.BadInternalError;
        try
        {
            await work.ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            status = CancelReason.IsGood ? StatusCodes.BadRequestInterrupted : CancelReason;
        }
        catch (Exception e)
        {
            output.Failed(e);
        }

        var state = Volatile.Read(ref _state);
        while (state / Generation == generation && (state & StateMask) == Kept)
        {
            var found = Interlocked.CompareExchange(ref _state, state - Work, state);
            if (found == state)
            {
                // The last one: nobody else will answer.
                if ((state & WorkMask) == Work)
                    Fault(status);
                return;
            }

            state = found;
        }
    }
}

using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Diagnostics;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Transport;

/// <summary>The connection's requests, and the way of their answers.</summary>
internal sealed partial class UaConnection : IResponseOutput
{
    private readonly Lock _requests = new();
    private readonly HashSet<RequestContext> _kept = [];

    // Of requests that were kept and are answered. The one that is answered at once, which most are, uses a context of its own.
    private readonly Stack<RequestContext> _spare = new();
    private RequestContext? _next;
    private int _keptCount;
    private bool _isBursting;
    private bool _isDiscarding;

    public IMessageOutput BeginMessage(uint requestId)
    {
        if (_output.Enter() && _writer is { } writer)
        {
            _isDiscarding = false;
            writer.Begin(requestId);
            return writer;
        }

        _isDiscarding = true;
        return DiscardingOutput.Instance;
    }

    public void EndMessage()
    {
        if (!_isDiscarding)
            _writer!.End();
        _output.Exit();
        if (!Volatile.Read(ref _isBursting))
            _output.Flush();
    }

    public bool CancelMessage(StatusCode reason)
    {
        var isTakenBack = _isDiscarding || _writer!.Cancel(reason);
        _output.Exit();
        return isTakenBack;
    }

    public int CancelRequests(UaSession session, uint requestHandle)
    {
        RequestContext[] found;
        lock (_requests)
            found = [.. _kept.Where(context => context.Session == session && context.RequestHandle == requestHandle)];
        foreach (var context in found)
            context.Cancel(StatusCodes.BadRequestCancelledByClient);
        return found.Length;
    }

    public void Faulted(StatusCode status) => _core.Metrics.Faulted(status);

    public void Failed(Exception exception) => _core.Logger.ServiceFailed(exception);

    public void Release(RequestContext context)
    {
        lock (_requests)
        {
            if (_kept.Remove(context))
                _keptCount--;
            if (_spare.Count < _core.Options.MaxRequestsPerConnection)
                _spare.Push(context);
        }
    }

    private StatusCode Handle(uint requestId, ReadOnlySpan<byte> message)
    {
        var context = _next ??= Rent();
        Volatile.Write(ref _isBursting, true);
        _core.Dispatcher.Dispatch(
            context,
            _channel!.Security,
            requestId,
            message,
            isFull: Volatile.Read(ref _keptCount) >= _core.Options.MaxRequestsPerConnection
        );
        Volatile.Write(ref _isBursting, false);
        if (!context.WasKept)
            return default;
        _next = null;
        lock (_requests)
        {
            if (context.IsKept && _kept.Add(context))
                _keptCount++;
        }

        return default;
    }

    private RequestContext Rent()
    {
        lock (_requests)
        {
            if (_spare.TryPop(out var spare))
                return spare;
        }

        return new RequestContext(this, _core.Time);
    }

    private void SweepRequests()
    {
        RequestContext[] late;
        lock (_requests)
        {
            if (_kept.Count == 0)
                return;
            late =
            [
                .. _kept.Where(context =>
                    context.Timeout > TimeSpan.Zero && _core.Time.GetElapsedTime(context.ReceivedAt) > context.Timeout
                ),
            ];
        }

        foreach (var context in late)
            context.Cancel(StatusCodes.BadTimeout);
    }

    private void CancelRequests()
    {
        RequestContext[] all;
        lock (_requests)
            all = [.. _kept];
        foreach (var context in all)
            context.Cancel(StatusCodes.BadConnectionClosed);
    }
}

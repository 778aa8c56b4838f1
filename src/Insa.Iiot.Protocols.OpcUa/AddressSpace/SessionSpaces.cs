using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.AddressSpace;

/// <summary>Knows each session's space: found before the session is activated, let go of when it closes. Thread-safe.</summary>
internal sealed class SessionSpaces(TenantSpaces spaces) : IServiceModule
{
    private static readonly SessionSlot<SessionSpace> _slot = new();

    public void Register(ServiceTable table) => table.WhenSessionOpens(OpenAsync);

    /// <summary>Makes a handler of one that works in the session's space. It is called at once as soon as the space is there; before, with a copy of the request.</summary>
    public ServiceHandler In(SpaceHandler handler) =>
        (RequestContext context, ref UaReader reader) =>
        {
            if (_slot.Find(context.ActiveSession) is { } space)
                handler(space, context, ref reader);
            else
                context.AnswerBy(AcquireAsync(context, handler, reader.Rest.ToArray(), reader.Limits));
        };

    /// <summary>The session's space, if it was needed before.</summary>
    public static SessionSpace? Find(UaSession session) => _slot.Find(session);

    /// <summary>The session's space.</summary>
    /// <exception cref="TelemetryStoreException">The store cannot be reached.</exception>
    public ValueTask<SessionSpace> AcquireAsync(UaSession session, CancellationToken cancellationToken) =>
        AcquireAsync(session, session.Tenant, cancellationToken);

    private async ValueTask<SessionSpace> AcquireAsync(UaSession session, TenantId tenant, CancellationToken cancellationToken)
    {
        if (_slot.Find(session) is { } found)
            return found;
        var space = await spaces.AcquireAsync(tenant, cancellationToken).ConfigureAwait(false);
        var made = new SessionSpace(session, space, spaces);
        var kept = _slot.GetOrAdd(session, _ => made);
        if (!ReferenceEquals(made, kept))
            made.Dispose();
        if (session.IsClosed)
            _slot.Remove(session)?.Dispose();
        return kept;
    }

    private async ValueTask<StatusCode> OpenAsync(UaSession session, TenantId tenant, CancellationToken cancellationToken)
    {
        // Somebody who failed to sign in to one tenant may have succeeded for another.
        if (_slot.Find(session) is { } other && other.Space.Tenant != tenant)
            _slot.Remove(session)?.Dispose();
        try
        {
            await AcquireAsync(session, tenant, cancellationToken).ConfigureAwait(false);
            return StatusCodes.Good;
        }
        catch (TelemetryStoreException)
        {
            return StatusCodes.BadResourceUnavailable;
        }
    }

    private async ValueTask AcquireAsync(RequestContext context, SpaceHandler handler, byte[] request, EncodingLimits limits)
    {
        // The handler may hand the request on to work of its own: this must be under way then, not over.
        await Task.Yield();
        SessionSpace space;
        try
        {
            space = await AcquireAsync(context.ActiveSession, context.Cancellation).ConfigureAwait(false);
        }
        catch (TelemetryStoreException)
        {
            context.Fault(StatusCodes.BadResourceUnavailable);
            return;
        }

        Handle(space, context, handler, request, limits);
    }

    private static void Handle(SessionSpace space, RequestContext context, SpaceHandler handler, byte[] request, EncodingLimits limits)
    {
        var reader = new UaReader(request, limits);
        handler(space, context, ref reader);
    }
}

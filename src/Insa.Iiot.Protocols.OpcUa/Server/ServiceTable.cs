using System.Collections.Frozen;
using Insa.Iiot.Protocols.OpcUa.BuiltInTypes;
using Insa.Iiot.Protocols.OpcUa.Encoding;
using Insa.Iiot.Protocols.OpcUa.Server.Sessions;

namespace Insa.Iiot.Protocols.OpcUa.Server;

/// <summary>Which handler answers which request, by the id of the request's binary encoding.</summary>
internal sealed class ServiceTable
{
    private readonly Dictionary<uint, Service> _services = [];
    private readonly List<Func<UaSession, TenantId, CancellationToken, ValueTask<StatusCode>>> _opening = [];
    private readonly List<Action<UaSession>> _changing = [];
    private readonly List<Action<UaSession, bool>> _closing = [];
    private FrozenDictionary<uint, Service>? _frozen;

    public ServiceTable(IEnumerable<IServiceModule> modules)
    {
        foreach (var module in modules)
            module.Register(this);
        _frozen = _services.ToFrozenDictionary();
    }

    /// <summary>Adds a handler that reads the request off the wire by itself.</summary>
    public void Add(uint requestId, ServiceHandler handler, SessionRule rule = SessionRule.Activated) =>
        _services.Add(requestId, new Service(handler, rule, ReadsHeader: false, CountedServices.Of(requestId)));

    /// <summary>Adds a handler of a decoded request. It is called with whole requests only.</summary>
    public void Add<TRequest>(Action<RequestContext, TRequest> handler, SessionRule rule = SessionRule.Activated)
        where TRequest : IUaStructure<TRequest> =>
        _services.Add(
            TRequest.BinaryEncodingId,
            new Service(
                (RequestContext context, ref UaReader reader) =>
                {
                    var request = TRequest.Decode(ref reader);
                    if (reader.Status.IsGood)
                        handler(context, request);
                    else
                        context.Fault(reader.Status);
                },
                rule,
                ReadsHeader: true,
                CountedServices.Of(TRequest.BinaryEncodingId)
            )
        );

    /// <summary>
    /// Adds what is called before a session is activated first, for the tenant that it is to be of: what its services need then is made ready. Anything
    /// but Good refuses the activation.
    /// </summary>
    public void WhenSessionOpens(Func<UaSession, TenantId, CancellationToken, ValueTask<StatusCode>> opening) => _opening.Add(opening);

    /// <summary>Adds what is called, on any thread, when a session is another user's from now on, or its user may do other things than before.</summary>
    public void WhenUserChanges(Action<UaSession> changed) => _changing.Add(changed);

    /// <summary>Adds what is called when a session closes, on any thread: whether its subscriptions go with it is the second argument.</summary>
    public void WhenSessionCloses(Action<UaSession, bool> closed) => _closing.Add(closed);

    public bool TryFind(uint requestId, out Service service) => _frozen!.TryGetValue(requestId, out service);

    public async ValueTask<StatusCode> SessionOpeningAsync(UaSession session, TenantId tenant, CancellationToken cancellationToken)
    {
        foreach (var opening in _opening)
        {
            var status = await opening(session, tenant, cancellationToken).ConfigureAwait(false);
            if (!status.IsGood)
                return status;
        }

        return default;
    }

    public void UserChanged(UaSession session)
    {
        foreach (var changed in _changing)
            changed(session);
    }

    public void SessionClosed(UaSession session, bool deleteSubscriptions)
    {
        foreach (var closed in _closing)
            closed(session, deleteSubscriptions);
    }

    /// <param name="Handler">Answers it.</param>
    /// <param name="Rule">What it asks of the session.</param>
    /// <param name="ReadsHeader">Whether it reads the request from its header on, as generated requests do.</param>
    /// <param name="Counted">What it is counted as.</param>
    internal readonly record struct Service(ServiceHandler Handler, SessionRule Rule, bool ReadsHeader, CountedService Counted);
}

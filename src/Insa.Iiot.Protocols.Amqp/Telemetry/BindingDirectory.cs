using Insa.Iiot.Protocols.Amqp.Connections;
using Insa.Iiot.Protocols.Amqp.Diagnostics;
using Insa.Iiot.Protocols.Amqp.Frames;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Insa.Iiot.Protocols.Amqp.Telemetry;

/// <summary>The queues that are to be consumed: those of the options, and what the host's sources name.</summary>
internal sealed class BindingDirectory(
    BrokerConnector connector,
    IOptions<AmqpOptions> options,
    IEnumerable<IAmqpBindingSource> sources,
    ILogger<BindingDirectory> logger
)
{
    private readonly IAmqpBindingSource[] _sources = [.. sources];
    private readonly Dictionary<IAmqpBindingSource, IReadOnlyList<AmqpTelemetryBinding>> _last = [];
    private readonly HashSet<string> _told = [];

    /// <summary>Whether they may change.</summary>
    public bool IsChanging => _sources.Length > 0;

    /// <summary>Whether there can be any.</summary>
    public bool IsWanted => IsChanging || options.Value.Telemetry.Count > 0 || options.Value.Frames is not null;

    /// <summary>Reads them. What is wrong is left out, and told of once.</summary>
    public async ValueTask<List<ConsumedQueue>> ReadAsync(CancellationToken cancellationToken)
    {
        // Those of the options were checked when the host started.
        var found = options.Value.Telemetry.Select(binding => TelemetryBinding.Of(binding, connector.DefaultVirtualHost)).ToList();
        foreach (var source in _sources)
        {
            foreach (var binding in await ReadAsync(source, cancellationToken).ConfigureAwait(false))
                Add(found, binding);
        }

        return [.. found, .. FrameQueue.AllOf(options.Value, connector)];
    }

    private async ValueTask<IReadOnlyList<AmqpTelemetryBinding>> ReadAsync(IAmqpBindingSource source, CancellationToken cancellationToken)
    {
        var name = source.GetType().Name;
        try
        {
            var read = await source.ReadAsync(cancellationToken).ConfigureAwait(false);
            _told.Remove(name);
            return _last[source] = read;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            if (_told.Add(name))
                logger.BindingsUnknown(e, name);
            return _last.GetValueOrDefault(source) ?? [];
        }
    }

    private void Add(List<TelemetryBinding> found, AmqpTelemetryBinding binding)
    {
        var made = BindingRules.ErrorsOf(binding).FirstOrDefault() is null
            ? TelemetryBinding.Of(binding, connector.DefaultVirtualHost)
            : null;
        var error = made is null
            ? BindingRules.ErrorsOf(binding).First()
            : found.Select(other => BindingRules.ConflictOf(other, made)).FirstOrDefault(conflict => conflict is not null);
        if (error is null)
            found.Add(made!);
        else if (_told.Count < 1000 && _told.Add(error))
            logger.BindingLeftOut(error);
    }
}

using Insa.Iiot.Protocols.OpcUa.Server.Sessions;
using Insa.Iiot.Protocols.OpcUa.Types;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>
/// Watches something for one subscription and queues what is news (Part 4 §5.13): values or events. All but what hears of news is called with the subscription
/// locked.
/// </summary>
internal abstract class MonitoredItem(Subscription subscription, uint id)
{
    private ItemSettings _settings;

    public uint Id { get; } = id;

    public ref readonly ItemSettings Settings => ref _settings;

    public MonitoringMode Mode { get; protected set; } = MonitoringMode.Disabled;

    public bool IsDeleted { get; private set; }

    /// <summary>What it takes of the room that queues have, in values.</summary>
    public abstract int Cost { get; }

    /// <summary>Whether something waits that the next notification may carry.</summary>
    public bool IsReportable => Queued > 0 && (Mode == MonitoringMode.Reporting || IsTriggered);

    /// <summary>Whether a link has asked for what is queued, once.</summary>
    public bool IsTriggered { get; protected set; }

    /// <summary>The items that report along with this one.</summary>
    public List<MonitoredItem>? Links { get; set; }

    /// <summary>The items that have this one among their <see cref="Links"/>.</summary>
    public List<MonitoredItem>? LinkedBy { get; set; }

    // The lists of the subscription go through its items.
    public MonitoredItem? NextReady { get; set; }

    public bool IsReady { get; set; }

    public MonitoredItem? NextPending { get; set; }

    public bool IsInPending { get; set; }

    protected abstract int Queued { get; }

    protected Subscription Subscription => subscription;

    /// <summary>Begins to hear of news.</summary>
    public abstract void Watch();

    /// <summary>Hears of no more.</summary>
    public abstract void Unwatch();

    /// <summary>Looks at what the session's user may see, who may be another one or have other permissions than before.</summary>
    /// <param name="session">The session.</param>
    /// <param name="seesLess">Whether there may be events that were seen before and are not now.</param>
    /// <returns>Whether the item told of something that is not to be seen any more.</returns>
    public abstract bool CheckRights(UaSession session, bool seesLess);

    /// <summary>Begins or ends to queue and to report.</summary>
    public abstract void SetMode(MonitoringMode mode);

    /// <summary>Takes what came before its time to be sampled, if that has come.</summary>
    /// <returns><see langword="false"/> if it is still to come.</returns>
    public virtual bool SamplePending(long now) => true;

    /// <summary>Reports what is queued now, though the mode is Sampling.</summary>
    public void Trigger()
    {
        if (IsDeleted || Mode != MonitoringMode.Sampling || Queued == 0)
            return;
        IsTriggered = true;
        subscription.AddReady(this);
    }

    /// <summary>Queues the current value again if none is queued: the client has asked to be told once more.</summary>
    public virtual void Resend() { }

    /// <summary>Takes the oldest out of the queue.</summary>
    public abstract void DropOldest();

    public void Delete()
    {
        IsDeleted = true;
        Clear();
        (Links, LinkedBy) = (null, null);
    }

    protected abstract void Clear();

    protected void SetSettings(in ItemSettings settings) => _settings = settings;

    protected void TriggerLinks()
    {
        if (Links is null)
            return;
        foreach (var linked in Links)
            linked.Trigger();
    }
}

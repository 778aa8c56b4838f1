using Insa.Iiot.Protocols.OpcUa.Events;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>A refresh of conditions that is under way for a subscription, or for one item of it; one at a time for a subscription.</summary>
internal sealed class ConditionRefresh(Subscription subscription, uint? itemId)
{
    /// <summary>Queues what is to be told in all items at once.</summary>
    /// <param name="start">Says that it begins.</param>
    /// <param name="conditions">Gives the conditions: asked for when no newer state of one can be queued before.</param>
    /// <param name="end">Says that it is over.</param>
    public void Tell(UaEvent start, Func<IReadOnlyList<UaEvent>> conditions, UaEvent end)
    {
        lock (subscription.Gate)
        {
            if (subscription.IsClosed)
                return;
            var told = conditions();
            foreach (var item in subscription.Items.Values)
            {
                if (item is EventItem events && (itemId is null || item.Id == itemId))
                    events.Refresh(start, told, end);
            }
        }
    }

    public void End()
    {
        lock (subscription.Gate)
            subscription.IsRefreshing = false;
    }
}

using Insa.Iiot.Protocols.OpcUa.Server;

namespace Insa.Iiot.Protocols.OpcUa.Subscriptions;

/// <summary>The Publish requests of a session, oldest first. Thread-safe; answers nothing by itself.</summary>
internal sealed class PublishQueue
{
    private readonly Lock _gate = new();
    private readonly LinkedList<PublishRequest> _waiting = [];
    private readonly Stack<LinkedListNode<PublishRequest>> _spare = [];
    private bool _isClosed;

    public int Count
    {
        get
        {
            lock (_gate)
                return _waiting.Count;
        }
    }

    /// <summary>A request to fill in and to add or give back.</summary>
    public LinkedListNode<PublishRequest> Rent()
    {
        lock (_gate)
            return _spare.TryPop(out var node) ? node : new LinkedListNode<PublishRequest>(new PublishRequest());
    }

    public void GiveBack(LinkedListNode<PublishRequest> node)
    {
        node.Value.Clear();
        lock (_gate)
            _spare.Push(node);
    }

    /// <returns><see langword="false"/> if the session is closed.</returns>
    public bool TryAdd(LinkedListNode<PublishRequest> node)
    {
        lock (_gate)
        {
            if (_isClosed)
                return false;
            _waiting.AddLast(node);
            return true;
        }
    }

    public LinkedListNode<PublishRequest>? TakeOldest()
    {
        lock (_gate)
        {
            var node = _waiting.First;
            if (node is not null)
                _waiting.Remove(node);
            return node;
        }
    }

    /// <summary>Takes one certain request, if it still waits.</summary>
    public LinkedListNode<PublishRequest>? Take(RequestContext context)
    {
        lock (_gate)
        {
            for (var node = _waiting.First; node is not null; node = node.Next)
            {
                if (node.Value.Context != context)
                    continue;
                _waiting.Remove(node);
                return node;
            }
        }

        return null;
    }

    /// <summary>Takes no more. Who calls it takes and answers what waits.</summary>
    public void Close()
    {
        lock (_gate)
            _isClosed = true;
    }
}

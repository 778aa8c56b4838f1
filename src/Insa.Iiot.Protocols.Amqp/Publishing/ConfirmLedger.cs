namespace Insa.Iiot.Protocols.Amqp.Publishing;

/// <summary>The messages of one channel that the broker has not confirmed, by the numbers that it counts them by. Thread-safe.</summary>
internal sealed class ConfirmLedger
{
    private readonly Lock _sync = new();
    private readonly Dictionary<ulong, PendingPublish> _waiting = [];
    private ulong _oldest = 1;
    private ulong _next = 1;
    private string? _ended;

    /// <summary>Takes a message before it is sent, in the order of sending. After the end it fails at once.</summary>
    public void Add(PendingPublish publish)
    {
        lock (_sync)
        {
            if (_ended is null)
            {
                _waiting.Add(_next++, publish);
                return;
            }
        }

        publish.Fail(PublishFailure.Unavailable, _ended);
    }

    /// <summary>The broker has taken one message, or all up to it.</summary>
    /// <returns>How many.</returns>
    public int Confirm(ulong number, bool multiple) => Settle(number, multiple, isRefused: false);

    /// <summary>The broker has refused one message, or all up to it.</summary>
    /// <returns>How many.</returns>
    public int Refuse(ulong number, bool multiple) => Settle(number, multiple, isRefused: true);

    /// <summary>The broker has sent a message back, which it confirms next.</summary>
    public void Return(string? messageId)
    {
        lock (_sync)
        {
            // It does not say which by its number. Of two with one id the first was sent, and so returned, first.
            for (var number = _oldest; number < _next; number++)
            {
                if (_waiting.TryGetValue(number, out var publish) && !publish.IsReturned && publish.Properties.MessageId == messageId)
                {
                    publish.IsReturned = true;
                    return;
                }
            }
        }
    }

    /// <summary>Nothing more is confirmed: all that wait fail, and all that come.</summary>
    public void End(string reason)
    {
        List<PendingPublish> lost;
        lock (_sync)
        {
            _ended ??= reason;
            lost = [.. _waiting.Values];
            _waiting.Clear();
        }

        foreach (var publish in lost)
            publish.Fail(PublishFailure.Unavailable, reason);
    }

    private int Settle(ulong number, bool multiple, bool isRefused)
    {
        var count = 0;
        lock (_sync)
        {
            for (var one = multiple ? _oldest : number; one <= number && one < _next; one++)
            {
                if (!_waiting.Remove(one, out var publish))
                    continue;
                count++;
                if (publish.IsReturned)
                    publish.Fail(PublishFailure.Unroutable, "No queue takes it.");
                else if (isRefused)
                    publish.Fail(PublishFailure.Refused, "The broker has refused it.");
                else
                    publish.Confirm();
            }

            while (_oldest < _next && !_waiting.ContainsKey(_oldest))
                _oldest++;
        }

        return count;
    }
}

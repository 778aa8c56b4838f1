using Insa.Iiot.Protocols.Amqp.Publishing;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class ConfirmLedgerTests
{
    private readonly ConfirmLedger _ledger = new();

    [Fact]
    public void Confirmations_of_many_and_of_one_in_any_order_each_count_once()
    {
        var all = Add(5);
        Assert.Equal(1, _ledger.Confirm(3, multiple: false));
        Assert.Equal([false, false, true, false, false], all.Select(one => one.Confirmed.IsCompletedSuccessfully));
        Assert.Equal(3, _ledger.Confirm(4, multiple: true));
        Assert.Equal(0, _ledger.Confirm(4, multiple: true));
        Assert.Equal(0, _ledger.Confirm(2, multiple: false));
        Assert.Equal(1, _ledger.Refuse(5, multiple: false));
        Assert.Equal(PublishFailure.Refused, FailureOf(all[4]));
        Assert.All(all.Take(4), one => Assert.True(one.Confirmed.IsCompletedSuccessfully));
    }

    [Fact]
    public void A_number_that_was_not_given_out_confirms_no_more_than_there_is()
    {
        var all = Add(2);
        Assert.Equal(0, _ledger.Confirm(9, multiple: false));
        Assert.Equal(2, _ledger.Confirm(ulong.MaxValue, multiple: true));
        Assert.All(all, one => Assert.True(one.Confirmed.IsCompletedSuccessfully));
    }

    [Fact]
    public void A_returned_message_is_unroutable_when_it_is_confirmed()
    {
        var all = Add(2);
        _ledger.Return("m2");
        _ledger.Return("nobody's");
        Assert.False(all[1].Confirmed.IsCompleted);
        _ledger.Confirm(2, multiple: true);
        Assert.True(all[0].Confirmed.IsCompletedSuccessfully);
        Assert.Equal(PublishFailure.Unroutable, FailureOf(all[1]));
    }

    [Fact]
    public void At_the_end_all_fail_that_wait_and_all_that_come()
    {
        var all = Add(2);
        _ledger.Confirm(1, multiple: false);
        _ledger.End("gone");
        var late = Add(1)[0];
        Assert.True(all[0].Confirmed.IsCompletedSuccessfully);
        Assert.Equal(PublishFailure.Unavailable, FailureOf(all[1]));
        Assert.Equal(PublishFailure.Unavailable, FailureOf(late));
    }

    private static PublishFailure? FailureOf(PendingPublish publish) =>
        (publish.Confirmed.Exception?.InnerException as BrokerPublishException)?.Failure;

    private List<PendingPublish> Add(int count)
    {
        var all = Enumerable
            .Range(1, count)
            .Select(i => new PendingPublish("x", "y", new BasicProperties { MessageId = $"m{i}" }, default))
            .ToList();
        all.ForEach(_ledger.Add);
        return all;
    }
}

using System.Globalization;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using RabbitMQ.Client;

namespace Insa.Iiot.Protocols.Amqp.Tests;

public sealed class CommandTests(BrokerFixture fixture)
{
    [Fact]
    public async Task A_plain_client_receives_a_command_and_answers_it()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var device = await world.ListenAsync(CommandWorld.Press);
        var command = await world.SendAsync(CommandWorld.Press, "öffnen", """{"percent":40}""", needsAnswer: true);

        var message = await CommandWorld.ReadAsync(device);
        var properties = message.BasicProperties;
        var id = $"{world.Tenant}/press/{command.Id}";
        Assert.Equal("""{"percent":40}""", Encoding.UTF8.GetString(message.Body.Span));
        Assert.Equal((id, id), (properties.MessageId, properties.CorrelationId));
        Assert.Equal(("application/json", "insa.iiot.command"), (properties.ContentType, properties.Type));
        Assert.True(properties.Persistent);
        Assert.Equal("öffnen", TextOf(properties.Headers!["iiot-name"]));
        Assert.Equal(true, properties.Headers["iiot-needs-answer"]);
        Assert.Equal("1.0", TextOf(properties.Headers["cloudEvents:specversion"]));
        Assert.Equal(id, TextOf(properties.Headers["cloudEvents:id"]));
        Assert.Equal("press", TextOf(properties.Headers["cloudEvents:subject"]));
        Assert.Equal(
            command.CreatedAt,
            DateTime.Parse(TextOf(properties.Headers["cloudEvents:time"]), CultureInfo.InvariantCulture).ToUniversalTime()
        );
        Assert.InRange(long.Parse(properties.Expiration!, CultureInfo.InvariantCulture), 1, 3_600_000);
        Assert.Equal(
            ("iiot.responses", $"responses.{world.Tenant}.press"),
            (properties.ReplyToAddress!.ExchangeName, properties.ReplyToAddress.RoutingKey)
        );
        await world.WaitForStateAsync(command, DeviceCommandState.Delivered);

        await world.AnswerAsync(properties.CorrelationId!, "[1]", contentType: "application/json");
        var answered = await world.WaitForStateAsync(command, DeviceCommandState.Succeeded);
        Assert.Equal("[1]", Encoding.UTF8.GetString(answered.Answer!.Data.Span));
        Assert.Equal("application/json", answered.Answer.ContentType);
    }

    [Fact]
    public async Task Commands_of_a_device_come_in_their_order_and_with_dots_in_its_name()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var device = await world.ListenAsync(CommandWorld.Saw);
        for (var i = 1; i <= 30; i++)
            await world.SendAsync(CommandWorld.Saw, $"c{i}");
        for (var i = 1; i <= 30; i++)
            Assert.Equal($"c{i}", TextOf((await CommandWorld.ReadAsync(device)).BasicProperties.Headers!["iiot-name"]));
    }

    [Fact]
    public async Task What_waits_when_the_host_starts_is_sent()
    {
        DeviceCommand? command = null;
        await using var world = await CommandWorld.StartAsync(
            fixture.Broker.Uri,
            async world =>
            {
                await (await world.ConnectAsync()).ExchangeDeclareAsync("iiot.commands", ExchangeType.Topic, durable: true);
                await world.ListenAsync(CommandWorld.Press);
                command = await world.SendAsync(CommandWorld.Press, "early");
            }
        );
        await world.WaitForStateAsync(command!, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_command_that_no_queue_takes_waits_and_goes_when_one_is_bound()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var unroutable = Failures(world);
        var command = await world.SendAsync(CommandWorld.Press, "later");
        await CommandWorld.WaitForAsync(() =>
            Task.FromResult(unroutable.GetMeasurementSnapshot().Any(one => (string?)one.Tags["reason"] == "unroutable") ? "" : null)
        );
        Assert.Equal(DeviceCommandState.Waiting, (await world.Commands.FindAsync(world.Tenant, command.Device, command.Id))!.State);
        var device = await world.ListenAsync(CommandWorld.Press);
        Assert.Equal("later", TextOf((await CommandWorld.ReadAsync(device)).BasicProperties.Headers!["iiot-name"]));
        await world.WaitForStateAsync(command, DeviceCommandState.Delivered);
    }

    [Fact]
    public async Task A_command_that_has_expired_is_not_sent_and_its_answer_is_refused()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var command = await world.SendAsync(CommandWorld.Press, "late", needsAnswer: true, lifetime: TimeSpan.FromSeconds(1));
        await world.WaitForStateAsync(command, DeviceCommandState.Expired);
        var device = await world.ListenAsync(CommandWorld.Press);
        await world.SendAsync(CommandWorld.Press, "next");
        Assert.Equal("next", TextOf((await CommandWorld.ReadAsync(device)).BasicProperties.Headers!["iiot-name"]));
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "");
        await world.WaitForRefusalAsync("command_over");
    }

    [Theory]
    [InlineData("other/press/1", null, "wrong_tenant")]
    [InlineData("{tenant}/press/1", "responses.{tenant}.saw.2", "bad_routing_key")]
    [InlineData("{tenant}/press/77", null, "command_unknown")]
    [InlineData("press/1", null, "bad_correlation_id")]
    [InlineData("", null, "bad_correlation_id")]
    public async Task An_answer_that_is_not_to_a_command_of_the_tenants_device_is_a_dead_letter(
        string correlationId,
        string? key,
        string reason
    )
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        var tenant = world.Tenant.Value;
        await world.AnswerAsync(
            correlationId.Replace("{tenant}", tenant, StringComparison.Ordinal),
            "forged",
            routingKey: key?.Replace("{tenant}", tenant, StringComparison.Ordinal)
        );
        await world.WaitForRefusalAsync(reason);
        Assert.Null((await world.Commands.FindAsync(world.Tenant, command.Device, command.Id))!.Answer);

        // The next one is taken.
        await world.AnswerAsync($"{tenant}/press/{command.Id}", "true");
        await world.WaitForStateAsync(command, DeviceCommandState.Succeeded);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_or_says_no_success_that_there_is_is_a_dead_letter()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        var id = $"{world.Tenant}/press/{command.Id}";
        await world.AnswerAsync(id, new string('x', 16 * 1024 + 1));
        await world.WaitForRefusalAsync("message_too_large");
        await world.AnswerAsync(id, "", success: "perhaps");
        await world.WaitForRefusalAsync("malformed");
        await world.AnswerAsync(id, new string('x', 16 * 1024), success: "false");
        await world.WaitForStateAsync(command, DeviceCommandState.Failed);
    }

    [Fact]
    public async Task The_first_of_two_answers_stays()
    {
        await using var world = await CommandWorld.StartAsync(fixture.Broker.Uri);
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        var last = await world.SendAsync(CommandWorld.Press, "last", needsAnswer: true);
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "1", success: false);
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "2", success: true);
        await world.AnswerAsync($"{world.Tenant}/press/{last.Id}", "3");
        await world.WaitForStateAsync(last, DeviceCommandState.Succeeded);
        var found = await world.Commands.FindAsync(world.Tenant, command.Device, command.Id);
        Assert.Equal(DeviceCommandState.Failed, found!.State);
        Assert.Equal("1", Encoding.UTF8.GetString(found.Answer!.Data.Span));
    }

    [Fact]
    public async Task An_answer_waits_for_a_store_that_is_away()
    {
        await using var world = await CommandWorld.StartAsync(
            fixture.Broker.Uri,
            configure: services =>
            {
                var queue = services.Single(service => service.ServiceType == typeof(IDeviceCommands));
                services.AddSingleton(provider =>
                    FlakyCommands.Over((IDeviceCommands)ActivatorUtilities.CreateInstance(provider, queue.ImplementationType!), failures: 1)
                );
            }
        );
        var command = await world.SendAsync(CommandWorld.Press, "open", needsAnswer: true);
        await world.AnswerAsync($"{world.Tenant}/press/{command.Id}", "1");
        await world.WaitForStateAsync(command, DeviceCommandState.Succeeded);
        Assert.Empty(world.Refusals.GetMeasurementSnapshot());
    }

    private static string TextOf(object? header) => Encoding.UTF8.GetString((byte[])header!);

    private static Microsoft.Extensions.Diagnostics.Metrics.Testing.MetricCollector<long> Failures(CommandWorld world) =>
        new(
            world.Services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>(),
            "Insa.Iiot.Protocols.Amqp",
            "insa.iiot.amqp.publish.failures"
        );
}

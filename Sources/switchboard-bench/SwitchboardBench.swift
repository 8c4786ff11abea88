import ArgumentParser

/// What `make bench` needs of Switchboard's own parts and the product does not offer: see bench/ and docs/benchmarks.md.
@main
struct SwitchboardBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "switchboard-bench",
        abstract: "Measures parts of Switchboard by themselves. For make bench.",
        subcommands: [EchoCommand.self, ReadsCommand.self, InsertsCommand.self])
}
